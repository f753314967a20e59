/**
 * What a call loads before it knows what it has to do. Every millisecond of it is paid by every pod
 * of a node, so what is slow to load, or needed by few calls, must come in later or not at all.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { bunBuild } from '../../build/bun.ts'

interface Metafile {
  readonly inputs: Readonly<
    Record<
      string,
      { readonly imports: ReadonlyArray<{ readonly path: string; readonly kind: string }> }
    >
  >
}

const entry = join('src', 'bin', 'calico.ts')

const slowRuntimeModules = [
  'child_process',
  'crypto',
  'fs/promises',
  'http',
  'http2',
  'https',
  'net',
  'stream',
  'timers/promises',
  'tls',
  'url',
  'util',
]

const bundle = (): Metafile => {
  const directory = mkdtempSync(join(tmpdir(), 'hc-bundle-'))
  try {
    const metafile = join(directory, 'meta.json')
    bunBuild(entry, ['--target=bun', `--metafile=${metafile}`, `--outdir=${directory}`])
    return JSON.parse(readFileSync(metafile, 'utf8')) as Metafile
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Files that are evaluated at the start: reached from the entry without a dynamic import. */
const startPath = (metafile: Metafile): ReadonlySet<string> => {
  const reached = new Set<string>()
  const queue = [entry]
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (reached.has(file)) continue
    reached.add(file)
    for (const { path, kind } of metafile.inputs[file]?.imports ?? []) {
      if (kind !== 'dynamic-import' && metafile.inputs[path] !== undefined) queue.push(path)
    }
  }
  return reached
}

let metafile: Metafile
let atStart: ReadonlyArray<string>
let all: ReadonlyArray<string>
beforeAll(() => {
  metafile = bundle()
  atStart = [...startPath(metafile)]
  all = Object.keys(metafile.inputs)
})

const matching = (files: ReadonlyArray<string>, pattern: RegExp): ReadonlyArray<string> =>
  files.filter((file) => pattern.test(file))

describe('the executable', () => {
  test('starts with the protocol', () => {
    expect(matching(atStart, /src\/skel\/run-plugin\.ts$/)).toHaveLength(1)
  })

  test.each([
    ['ip6addr', /node_modules\/ip6addr\//],
    ['the code of TaskEither', /fp-ts\/(lib|es6)\/(TaskEither|Task)\.js$/],
    ['the FFI', /libc-bun\.ts$/],
    ['the dataplane', /dataplane\/linux\//],
    ['an adapter', /packages\/datastore-|packages\/kube-client/],
    ['the lock', /host-lock\.ts$/],
  ])('does not load %s at its start', (_, pattern) => {
    expect(matching(atStart, pattern)).toEqual([])
  })

  // Each costs 1 to 10 ms: much of what they contain is JavaScript. In one file the imports of all
  // modules stand at its head, also those of modules that are loaded later.
  test.each(slowRuntimeModules)('does not import the runtime’s module %s anywhere', (name) => {
    const users = all.filter((file) =>
      metafile.inputs[file]?.imports.some(
        ({ path, kind }) => kind !== 'dynamic-import' && path.replace(/^node:/, '') === name,
      ),
    )
    expect(users).toEqual([])
  })

  test.each([
    ['etcd3', /node_modules\/etcd3\//],
    ['gRPC', /node_modules\/@grpc\//],
    ['the Kubernetes client', /node_modules\/@kubernetes\//],
    ['ip6addr', /node_modules\/ip6addr\//],
    ['a second copy of fp-ts', /node_modules\/fp-ts\/lib\//],
  ])('does not contain %s', (_, pattern) => {
    expect(matching(all, pattern)).toEqual([])
  })
})
