/**
 * What a consumer of the main entry sees: declarations that mention no fp-ts and no io-ts, emitted
 * as for publishing.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
let out = ''

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'ipam-core-declarations-'))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const project = fileURLToPath(new URL('../tsconfig.build.json', import.meta.url))
  const options = ['-p', project, '--outDir', out, '--emitDeclarationOnly', '--sourceMap', 'false']
  execFileSync(process.execPath, [compiler, ...options], { cwd: root })
}, 60_000)
afterAll(() => rmSync(out, { recursive: true, force: true }))

const specifiers = (text: string): string[] =>
  [...text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)].map((match) => match[1] as string)

/** Everything that a declaration file pulls in: own files, and the packages they name. */
const reachable = (entry: string): { files: Set<string>; packages: Set<string> } => {
  const files = new Set<string>()
  const packages = new Set<string>()
  const open = [join(out, entry)]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue
    files.add(file)
    for (const name of specifiers(readFileSync(file, 'utf8'))) {
      if (!name.startsWith('.')) packages.add(name)
      else open.push(join(dirname(file), name.replace(/\.(ts|js)$/, '.d.ts')))
    }
  }
  return { files, packages }
}

describe('declarations', () => {
  test.each(['index.d.ts', 'ports/index.d.ts'])('%s needs no other package', (entry) => {
    const { files, packages } = reachable(entry)
    expect([...packages]).toEqual([])
    expect(files.size).toBeGreaterThan(10)
    for (const file of files)
      expect(readFileSync(file, 'utf8')).not.toMatch(/\b(fp|io)-ts\/|TaskEither</)
  })

  test('the check sees what it should: ./fp needs fp-ts', () => {
    expect([...reachable('fp.d.ts').packages]).toContain('fp-ts/lib/TaskEither.js')
  })

  test('every entry of package.json is emitted', () => {
    const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
    const { exports } = JSON.parse(text) as { exports: Record<string, { types?: string }> }
    const entries = Object.values(exports).flatMap(({ types }) => types ?? [])
    expect(entries).toHaveLength(5)
    for (const types of entries)
      expect(existsSync(join(out, types.replace('./dist/', '')))).toBe(true)
  })
})
