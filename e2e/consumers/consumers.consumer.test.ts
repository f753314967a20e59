/**
 * The packed tarballs in other people's projects: a plain Node ESM project and an esbuild bundle,
 * every entry imported, one address assigned. It shows what `exports`, `files` and the emitted
 * JavaScript are really worth.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const packages = readdirSync('packages')
let folder: string

const run = (command: string, args: ReadonlyArray<string>, cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', timeout: 120_000, stdio: 'pipe' })

/** Entries by name; those that only the sources of this repository have are for nobody else. */
const entriesOf =
  (isForOthers: boolean) =>
  (name: string): ReadonlyArray<string> => {
    const { exports } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8'))
    return Object.keys(exports)
      .filter((entry) => entry !== './package.json')
      .filter((entry) => 'default' in exports[entry] === isForOthers)
      .map((entry) => `@hc-calico/${name}${entry.slice(1)}`)
  }

const program = `
import { createIPAM } from '@hc-calico/ipam-core'
import { openLocalDatastore } from '@hc-calico/datastore-local'
const pool = { name: 'p', cidr: '10.66.0.0/16', blockSize: 26, disabled: false, terminating: false,
  allocatable: true, nodeSelector: 'all()', allowedUses: ['Workload'], assignmentMode: 'Automatic',
  ipipMode: 'Never', vxlanMode: 'Never', natOutgoing: false, disableBGPExport: false }
const datastore = await openLocalDatastore({ file: process.argv[2], ensure: [
  { key: { kind: 'IPPool', name: 'p' }, value: pool },
  { key: { kind: 'Node', name: 'n' }, value: { name: 'n', labels: {} } } ] })
const ipam = createIPAM({ datastore })
const { v4 } = await ipam.autoAssign({ host: 'n', num4: 1, handleID: 'h', intendedUse: 'Workload' })
await ipam.releaseByHandle('h')
await datastore.close()
console.log('assigned ' + v4.ips[0])
`

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hc-consumer-'))
  for (const name of packages) {
    run('npm', ['pack', '--silent', '--pack-destination', folder], resolve(`packages/${name}`))
  }
  const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'))
  expect(tarballs).toHaveLength(packages.length)
  writeFileSync(
    join(folder, 'package.json'),
    '{"name":"consumer","type":"module","private":true}\n',
  )
  writeFileSync(join(folder, 'assign.mjs'), program)
  const files = tarballs.map((file) => `./${file}`)
  run(
    'npm',
    ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', ...files],
    folder,
  )
}, 180_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(packages.flatMap(entriesOf(false)))('nobody else can import %s', (entry) => {
  const code = `await import('${entry}')`
  const attempt = () => run(process.execPath, ['--input-type=module', '-e', code], folder)
  expect(attempt).toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
})

test.each(packages.flatMap(entriesOf(true)))('plain Node ESM imports %s', (entry) => {
  const code = `const m = await import('${entry}'); console.log(Object.keys(m).length)`
  const names = run(process.execPath, ['--input-type=module', '-e', code], folder)
  expect(Number(names)).toBeGreaterThan(0)
})

test('plain Node ESM assigns an address', () => {
  const output = run(process.execPath, ['assign.mjs', join(folder, 'esm.sqlite')], folder)
  expect(output).toMatch(/^assigned 10\.66\.\d+\.\d+\/26$/m)
})

test('an esbuild bundle assigns an address', () => {
  const bundle = join(folder, 'bundle.mjs')
  const args = ['assign.mjs', '--bundle', '--platform=node', '--format=esm', `--outfile=${bundle}`]
  run(resolve('node_modules/.bin/esbuild'), args, folder)
  const output = run(process.execPath, [bundle, join(folder, 'bundle.sqlite')], folder)
  expect(output).toMatch(/^assigned 10\.66\.\d+\.\d+\/26$/m)
})
