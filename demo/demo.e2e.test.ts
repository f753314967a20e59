// The demo does what its README says, word by word, and fails when something is wrong.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tryCommand } from '@hc-calico/cluster/command'
import { expect, test } from 'vitest'

const demo = join(import.meta.dirname, 'demo.ts')
const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
const expected =
  /```\n(HC-Calico: a pod(?:.|\n)*?)```/.exec(readme)?.[1] ?? 'no output in the README'

const runDemo = (through: ReadonlyArray<string> = []) => {
  const node = [process.execPath, '--conditions=hc-calico-source', demo]
  const [file = '', ...args] = [...through, ...node]
  return tryCommand(file, args)
}

const withoutTimes = (text: string): string => text.replaceAll(/\(\d+ ms\)/g, '(N ms)').trim()

const namespaces = (): ReadonlyArray<string> =>
  existsSync('/run/netns')
    ? readdirSync('/run/netns').filter((name) => name.startsWith('hc-demo-'))
    : []

test('it says what its README says, and leaves nothing', async () => {
  const { exitCode, stdout, stderr } = await runDemo()
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(withoutTimes(stdout)).toBe(withoutTimes(expected))
  expect(namespaces()).toEqual([])
})

test('without root it says so and fails', async () => {
  const { exitCode, stderr } = await runDemo(['setpriv', '--reuid=65534', '--clear-groups'])
  expect(exitCode).toBe(1)
  expect(stderr).toContain('run it as root')
})

test('without the plugins it needs it fails, and still leaves nothing', async () => {
  // A mount namespace in which Debian's plugins are not there.
  const hide = 'mount -t tmpfs none /usr/lib/cni && exec "$@"'
  const { exitCode, stderr } = await runDemo(['unshare', '--mount', 'sh', '-c', hide, 'sh'])
  expect(exitCode).toBe(1)
  expect(stderr).toContain('The demo failed: ')
  expect(stderr).toContain('"portmap"')
  expect(namespaces()).toEqual([])
})
