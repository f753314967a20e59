// The installer against a made-up Debian: a PATH with only fakes in front of the real tools.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'

const script = join(import.meta.dirname, 'install-servers')
const directories: string[] = []

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

interface Machine {
  /** Packages that dpkg knows as installed; undefined: no dpkg at all. */
  readonly installed: ReadonlyArray<string> | undefined
  readonly uid?: number
  /** What apt-get install does, as shell. */
  readonly aptInstall?: string
}

const machine = ({ installed, uid = 0, aptInstall = 'exit 0' }: Machine) => {
  const root = mkdtempSync(join(tmpdir(), 'hc-install-'))
  directories.push(root)
  const bin = join(root, 'bin')
  const policy = join(root, 'policy-rc.d')
  mkdirSync(bin)
  const put = (name: string, body: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  for (const tool of ['grep', 'mv', 'rm', 'chmod', 'sed', 'cat', 'dirname']) {
    put(tool, `exec ${execFileSync('which', [tool], { encoding: 'utf8' }).trim()} "$@"`)
  }
  put('id', `echo ${uid}`)
  if (installed !== undefined) {
    writeFileSync(join(root, 'status'), installed.map((name) => `installed ${name}\n`).join(''))
    put('dpkg-query', `cat ${root}/status`)
    put('apt-get', `echo "$@" >> ${root}/apt; case "$*" in *install*) ${aptInstall};; esac`)
  }
  const run = () =>
    spawnSync('/bin/bash', [script], {
      encoding: 'utf8',
      env: { PATH: bin, POLICY_RC_D: policy },
    })
  const aptCalls = (): string =>
    existsSync(join(root, 'apt')) ? readFileSync(join(root, 'apt'), 'utf8') : ''
  return { root, policy, run, aptCalls }
}

const all = (/^packages=\(([^)]*)\)/m.exec(readFileSync(script, 'utf8'))?.[1] ?? '')
  .trim()
  .split(/\s+/)

describe('install-servers', () => {
  test('has packages to install', () => {
    expect(all).toContain('etcd-server')
    expect(all.length).toBeGreaterThan(10)
  })

  test('with everything there it says nothing and calls no package manager', () => {
    const made = machine({ installed: all, uid: 1000 })
    const { status, stdout, stderr } = made.run()
    expect({ status, stdout, stderr, apt: made.aptCalls() }).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
      apt: '',
    })
  })

  test('not Debian: says so, and what is needed', () => {
    const { status, stderr } = machine({ installed: undefined }).run()
    expect(status).toBe(1)
    expect(stderr).toMatch(/this is not Debian .* etcd-server /)
  })

  test('not root: says so, and what is missing', () => {
    const made = machine({ installed: all.filter((name) => name !== 'frr'), uid: 1000 })
    const { status, stderr } = made.run()
    expect(status).toBe(1)
    expect(stderr).toContain('must run as root to install: frr')
    expect(made.aptCalls()).toBe('')
  })

  const policies = [
    { name: 'without a policy', before: undefined },
    { name: 'with a policy that allows starts', before: '#!/bin/sh\nexit 0\n' },
  ]
  test.each(policies)('installs only what is missing, daemons forbidden, $name', ({ before }) => {
    const aptInstall =
      'cat $POLICY_RC_D > $POLICY_RC_D.seen; echo installed frr >> $(dirname $POLICY_RC_D)/status'
    const made = machine({ installed: all.filter((name) => name !== 'frr'), aptInstall })
    if (before !== undefined) writeFileSync(made.policy, before)
    const { status, stderr } = made.run()
    expect({ status, stderr }).toEqual({ status: 0, stderr: 'installing from Debian: frr\n' })
    expect(made.aptCalls()).toMatch(/^-qq update\n.* install -y --no-install-recommends frr\n$/)
    expect(readFileSync(`${made.policy}.seen`, 'utf8')).toContain('exit 101')
    const after = existsSync(made.policy) ? readFileSync(made.policy, 'utf8') : undefined
    expect(after).toBe(before)
  })

  test('an installation that fails is an error that names the packages', () => {
    const made = machine({ installed: all.slice(2), aptInstall: 'exit 100' })
    const { status, stderr } = made.run()
    expect(status).toBe(1)
    expect(stderr).toContain(`apt-get install failed; missing: ${all[0]} ${all[1]}`)
    expect(existsSync(made.policy)).toBe(false)
  })
})
