// Another plugin's executable, called as libcni calls it.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DelegateCall, delegate, delegateAdd } from '../src/delegate.ts'
import { realMachine } from '../src/machine/real-machine.ts'

let folder = ''
const script = (name: string, body: string): void => {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`)
  chmodSync(join(folder, name), 0o755)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hc-calico-delegate-'))
  script('good', `echo '{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.0.0.1/24"}]}'`)
  script('silent-version', `echo '{"ips":[{"address":"10.0.0.1/24"}]}'`)
  script('refuses', `echo '{"code":11,"msg":"no more addresses","details":"range full"}'; exit 1`)
  script('dies', 'echo oops >&2; exit 3')
  script('babbles', 'echo hello')
  script('deaf', `exec <&-; echo '{"ips":[{"address":"10.0.0.1/24"}]}'`)
  script(
    'mirror',
    'printf \'{"code":100,"msg":"%s","details":"%s"}\' "$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $CNI_PATH $EXTRA $(pwd)" "$(cat | tr -d \\")"; exit 1',
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const call = (plugin: string, more: Partial<DelegateCall> = {}): DelegateCall => ({
  plugin,
  command: 'ADD',
  args: {
    command: 'ADD',
    containerID: 'c1',
    netns: '/n',
    ifName: 'eth0',
    args: 'A=b',
    path: `relative:/nowhere:${folder}`,
  },
  document: { name: 'n', ipam: { type: plugin } },
  ...more,
})

const machine = () => realMachine({ PATH: '/usr/bin:/bin', EXTRA: 'extra' })

describe('ADD', () => {
  test.each(['good', 'silent-version', 'deaf'])('%s', async (plugin) => {
    const result = await delegateAdd(machine(), call(plugin), '1.0.0')
    expect(result.ips).toEqual([{ address: '10.0.0.1/24' }])
  })
  test.each<[string, object]>([
    ['refuses', { code: 11, message: 'no more addresses', details: 'range full' }],
    ['dies', { code: 999, message: 'plugin "dies" exited with 3: "oops"' }],
    ['babbles', { code: 6, message: 'plugin "babbles" did not print a JSON result' }],
    [
      'missing',
      {
        code: 7,
        message: expect.stringContaining('failed to find plugin "missing" in path [/nowhere'),
      },
    ],
  ])('%s', async (plugin, expected) => {
    await expect(delegateAdd(machine(), call(plugin), '1.0.0')).rejects.toMatchObject(expected)
  })
})

test('environment, arguments and document arrive; the working directory does not', async () => {
  await expect(delegate(machine(), call('mirror', { command: 'DEL' }))).rejects.toMatchObject({
    message: `DEL c1 /n eth0 A=b relative:/nowhere:${folder} extra /`,
    details: '{name:n,ipam:{type:mirror}}',
  })
})
