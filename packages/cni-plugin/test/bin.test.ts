// The executable's edge: names, version, and one call through a real process.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { pluginNamed } from '../src/plugins.ts'
import { version } from '../src/version.ts'
import { World } from './world.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

test('-v says what package.json says', () => {
  const manifest = JSON.parse(readFileSync(path('../package.json'), 'utf8'))
  expect(version).toBe(manifest.version)
})

test.each([
  ['hc-calico', true],
  ['calico', true],
  ['hc-calico-ipam', true],
  ['calico-ipam', true],
  ['bun', false],
  ['constructor', false],
  ['', false],
])('called as %j', async (name, isKnown) => {
  const { machine } = await World.create()
  expect(pluginNamed(name, machine)?.name).toBe(isKnown ? name : undefined)
})

describe('as a process', () => {
  const run = (script: string, args: ReadonlyArray<string>, env: object, stdin: string) =>
    spawnSync(
      process.execPath,
      ['--conditions=hc-calico-source', '--no-warnings', path(`../src/bin/${script}`), ...args],
      { env: { PATH: '/usr/bin:/bin', ...env }, input: stdin, encoding: 'utf8' },
    )
  test.each(['calico.ts', 'calico-ipam.ts'])('%s answers VERSION', (script) => {
    const { status, stdout } = run(script, [], { CNI_COMMAND: 'VERSION' }, '{"cniVersion":"0.4.0"}')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ cniVersion: '0.4.0' })
  })
  test('-v', () => {
    expect(run('calico.ts', ['-v'], {}, '').stdout).toBe(`${version}\n`)
  })
  test('a stdin that is not UTF-8 is an I/O error', () => {
    const env = { CNI_COMMAND: 'STATUS', CNI_PATH: '/x' }
    const child = spawnSync(
      process.execPath,
      ['--conditions=hc-calico-source', '--no-warnings', path('../src/bin/calico.ts')],
      { env: { PATH: '/usr/bin:/bin', ...env }, input: new Uint8Array([0x7b, 0xff, 0x7d]) },
    )
    expect(child.status).toBe(1)
    expect(JSON.parse(child.stdout.toString())).toMatchObject({ code: 5 })
  })
})
