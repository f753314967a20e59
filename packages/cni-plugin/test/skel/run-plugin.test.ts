// The protocol in process: a plugin of ten lines, every command, every spec version, every refusal.
import { describe, expect, test } from 'vitest'
import { CNIFailure } from '../../src/skel/cni-error.ts'
import type { Result } from '../../src/skel/result.ts'
import { type Plugin, type PluginCall, runPlugin } from '../../src/skel/run-plugin.ts'
import { supportedVersions } from '../../src/skel/spec-version.ts'

const answer: Result = {
  interfaces: [
    { name: 'cali6c92af41991' },
    { name: 'eth0', mac: 'aa:bb:cc:dd:ee:ff', mtu: 1450, sandbox: '/var/run/netns/x' },
  ],
  ips: [
    { interface: 1, address: '192.168.27.65/32' },
    { interface: 1, address: 'fd80::41/128' },
  ],
  routes: [{ dst: '192.168.27.65/26' }, { dst: 'fd80::41/122', mtu: 1400 }],
  dns: {},
}

const goodEnv = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/var/run/netns/x',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin',
}

interface Given {
  readonly env?: Record<string, string | undefined>
  readonly stdin?: string | object
  readonly argv?: ReadonlyArray<string>
  readonly add?: (call: PluginCall) => Promise<Result>
}

const run = async ({ env = {}, stdin = {}, argv = [], add }: Given) => {
  const calls: string[] = []
  const note = (name: string) => async (_call: PluginCall) => {
    calls.push(name)
  }
  const plugin: Plugin = {
    name: 'test',
    version: '9.8.7',
    add: add ?? (async () => answer),
    del: note('DEL'),
    check: note('CHECK'),
    status: note('STATUS'),
    gc: note('GC'),
  }
  const text =
    typeof stdin === 'string' ? stdin : JSON.stringify({ cniVersion: '1.1.0', name: 'n', ...stdin })
  let stdout = ''
  let stderr = ''
  const code = await runPlugin(plugin, {
    argv,
    env: { ...goodEnv, ...env },
    readStdin: async (bytesMax) => {
      if (text.length > bytesMax) throw new Error(`it is longer than ${bytesMax} bytes`)
      return text
    },
    writeStdout: (more) => {
      stdout += more
    },
    writeStderr: (more) => {
      stderr += more
    },
  })
  return {
    code,
    stdout,
    stderr,
    calls,
    document: stdout.startsWith('{') ? JSON.parse(stdout) : undefined,
  }
}

describe('ADD prints its result in the configuration’s version', () => {
  const ip = (family: '4' | '6', address: string) => ({ version: family, interface: 1, address })
  const old = {
    ip4: { ip: '192.168.27.65/32', routes: [{ dst: '192.168.27.65/26' }] },
    ip6: { ip: 'fd80::41/128', routes: [{ dst: 'fd80::41/122' }] },
    dns: {},
  }
  const withoutMTU = [answer.interfaces[0], { ...answer.interfaces[1], mtu: undefined }]
  const families = [ip('4', '192.168.27.65/32'), ip('6', 'fd80::41/128')]
  const plainRoutes = [{ dst: '192.168.27.65/26' }, { dst: 'fd80::41/122' }]
  const middle = { interfaces: withoutMTU, ips: families, routes: plainRoutes, dns: {} }
  const expected: Record<string, object> = {
    '0.1.0': old,
    '0.2.0': old,
    '0.3.0': middle,
    '0.3.1': middle,
    '0.4.0': middle,
    '1.0.0': { ...answer, routes: plainRoutes },
    '1.1.0': { ...answer },
  }
  test.each(supportedVersions)('%s', async (cniVersion) => {
    const { code, document } = await run({ stdin: { cniVersion } })
    expect(code).toBe(0)
    expect(document).toEqual(JSON.parse(JSON.stringify({ cniVersion, ...expected[cniVersion] })))
  })
  test('a configuration without a version means 0.2.0', async () => {
    const { document } = await run({ stdin: '{"name":"n"}' })
    expect(document).toMatchObject({ cniVersion: '0.2.0', ip4: { ip: '192.168.27.65/32' } })
  })
})

describe('VERSION', () => {
  test.each([
    ['echoes a version we speak', '{"cniVersion":"0.4.0"}', '0.4.0'],
    ['answers the newest to one we do not', '{"cniVersion":"7.0.0"}', '1.1.0'],
    ['answers on an empty stdin', '', '1.1.0'],
    ['answers on rubbish', '{"cniVersion":', '1.1.0'],
  ])('%s', async (_, stdin, cniVersion) => {
    const env = { CNI_COMMAND: 'VERSION', CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_PATH: 'x' }
    const { code, document } = await run({ env, stdin })
    expect({ code, document }).toEqual({
      code: 0,
      document: { cniVersion, supportedVersions: [...supportedVersions] },
    })
  })
  test('-v prints the version of the program', async () => {
    expect(await run({ argv: ['-v'] })).toMatchObject({ code: 0, stdout: '9.8.7\n' })
  })
  test('another argument is refused', async () => {
    const { code, stderr } = await run({ argv: ['--frobnicate'] })
    expect(code).toBe(1)
    expect(stderr).toContain('unknown argument "--frobnicate"')
  })
})

const prevResult = { cniVersion: '1.1.0', ips: [{ address: '10.0.0.1/32' }] }

describe('commands that answer nothing print nothing', () => {
  test.each([
    ['DEL', {}, {}],
    ['DEL', { CNI_NETNS: '' }, { cniVersion: '0.1.0' }],
    ['DEL', {}, { prevResult: { ips: 'rubbish' } }],
    ['CHECK', {}, { prevResult }],
    ['CHECK', {}, { cniVersion: '0.4.0', prevResult: { ...prevResult, cniVersion: '0.4.0' } }],
    ['STATUS', { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' }, {}],
    [
      'GC',
      { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' },
      { 'cni.dev/valid-attachments': [] },
    ],
  ])('%s with %j and %j', async (command, env, stdin) => {
    const { code, stdout, calls } = await run({ env: { ...env, CNI_COMMAND: command }, stdin })
    expect({ code, stdout, calls }).toEqual({ code: 0, stdout: '', calls: [command] })
  })
})

describe('a refusal is one CNI error on stdout and exit code 1', () => {
  const version = (cniVersion: string) => ({ cniVersion })
  test.each<[string, Given, number, string]>([
    ['no command', { env: { CNI_COMMAND: '' } }, 4, 'CNI_COMMAND'],
    ['unknown command', { env: { CNI_COMMAND: 'DESTROY' } }, 4, 'unknown CNI_COMMAND: "DESTROY"'],
    ['no container id', { env: { CNI_CONTAINERID: '' } }, 4, '[CNI_CONTAINERID]'],
    [
      'several missing',
      { env: { CNI_CONTAINERID: '', CNI_NETNS: undefined, CNI_IFNAME: '', CNI_PATH: '' } },
      4,
      '[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH]',
    ],
    [
      'DEL needs no netns, but an interface',
      { env: { CNI_COMMAND: 'DEL', CNI_NETNS: '', CNI_IFNAME: '' } },
      4,
      '[CNI_IFNAME]',
    ],
    [
      'container id with a slash',
      { env: { CNI_CONTAINERID: '../x' } },
      4,
      'CNI_CONTAINERID "../x"',
    ],
    ['container id with a line break', { env: { CNI_CONTAINERID: 'a\nb' } }, 4, 'CNI_CONTAINERID'],
    ['endless container id', { env: { CNI_CONTAINERID: 'a'.repeat(254) } }, 4, 'at most 253'],
    [
      'interface name too long',
      { env: { CNI_IFNAME: 'abcdefghijklmnop' } },
      4,
      'longer than 15 bytes',
    ],
    [
      'interface name too long in bytes',
      { env: { CNI_IFNAME: 'éééééééé' } },
      4,
      'longer than 15 bytes',
    ],
    ['interface name with a slash', { env: { CNI_IFNAME: 'a/b' } }, 4, 'CNI_IFNAME "a/b"'],
    [
      'interface name with a colon',
      { env: { CNI_IFNAME: 'a:b' } },
      4,
      'contains "/", ":" or a space',
    ],
    [
      'interface name with a space',
      { env: { CNI_IFNAME: 'a b' } },
      4,
      'contains "/", ":" or a space',
    ],
    ['interface name ..', { env: { CNI_IFNAME: '..' } }, 4, 'is not a name'],
    ['netns with a line break', { env: { CNI_NETNS: '/x\n[ERROR]' } }, 4, 'CNI_NETNS'],
    [
      'CNI_ARGS without =',
      { env: { CNI_ARGS: 'IgnoreUnknown' } },
      4,
      'CNI_ARGS: invalid pair "IgnoreUnknown"',
    ],
    ['CNI_ARGS without a key', { env: { CNI_ARGS: '=1' } }, 4, 'CNI_ARGS: invalid pair'],
    ['CNI_ARGS with a line break', { env: { CNI_ARGS: 'A=x\ny' } }, 4, 'control character'],
    ['empty stdin', { stdin: '' }, 6, 'it is empty'],
    ['not JSON', { stdin: '{"name":' }, 6, 'it is not JSON'],
    ['a list', { stdin: '[]' }, 6, 'it is not a JSON object'],
    [
      'absurd nesting',
      { stdin: `${'{"a":'.repeat(100)}1${'}'.repeat(100)}` },
      6,
      'nested more than',
    ],
    ['endless stdin', { stdin: `"${'x'.repeat(17 * 1024 * 1024)}"` }, 5, 'longer than'],
    ['version unknown', { stdin: version('2.0.0') }, 1, 'unsupported CNI version "2.0.0"'],
    ['version not text', { stdin: { cniVersion: 1 } }, 7, 'cniVersion must be text'],
    ['no name', { stdin: '{"cniVersion":"1.0.0"}' }, 7, 'name is missing'],
    ['name with a slash', { stdin: { name: '../../etc' } }, 7, 'name must be text'],
    ['name of a wrong type', { stdin: { name: 5 } }, 7, 'name must be text'],
    [
      'CHECK before 0.4.0',
      { env: { CNI_COMMAND: 'CHECK' }, stdin: version('0.3.1') },
      1,
      'config version does not allow CHECK',
    ],
    [
      'GC before 1.1.0',
      { env: { CNI_COMMAND: 'GC' }, stdin: version('1.0.0') },
      1,
      'config version does not allow GC',
    ],
    [
      'STATUS before 1.1.0',
      { env: { CNI_COMMAND: 'STATUS' }, stdin: version('1.0.0') },
      1,
      'config version does not allow STATUS',
    ],
    ['CHECK without prevResult', { env: { CNI_COMMAND: 'CHECK' } }, 7, 'prevResult is missing'],
    [
      'GC without attachments',
      { env: { CNI_COMMAND: 'GC' } },
      7,
      'cni.dev/valid-attachments is missing',
    ],
    [
      'GC with a strange attachment',
      {
        env: { CNI_COMMAND: 'GC' },
        stdin: { 'cni.dev/valid-attachments': [{ containerID: '/' }] },
      },
      7,
      'cni.dev/valid-attachments[0].containerID must be a container id, but is "/"',
    ],
    [
      'prevResult not an object',
      { stdin: { prevResult: 7 } },
      7,
      'prevResult must be an object, but is 7',
    ],
    [
      'prevResult of an unknown version',
      { stdin: { prevResult: { cniVersion: '5.0.0' } } },
      1,
      'cniVersion "5.0.0"',
    ],
    [
      'prevResult with a bad address',
      { stdin: { prevResult: { ips: [{ address: '10.0.0.300/24' }] } } },
      6,
      'ips[0].address must be an address with a prefix length',
    ],
    [
      'prevResult with an address without prefix',
      { stdin: { prevResult: { ips: [{ address: '10.0.0.3' }] } } },
      6,
      'ips[0].address',
    ],
    [
      'prevResult with an interface out of range',
      { stdin: { prevResult: { ips: [{ address: '10.0.0.3/32', interface: 3 }] } } },
      6,
      'names interface 3, but there are 0',
    ],
    [
      'prevResult with a bad route',
      { stdin: { prevResult: { routes: [{ dst: 'default' }] } } },
      6,
      'routes[0].dst',
    ],
    [
      'prevResult with a bad interface name',
      { stdin: { prevResult: { interfaces: [{ name: 'a/b' }] } } },
      6,
      'interfaces[0].name must be an interface name',
    ],
    [
      'prevResult with two faults',
      { stdin: { prevResult: { ips: 'x', routes: 'y' } } },
      6,
      'ips must be a list of at most 1024, but is "x"; routes must be',
    ],
    [
      'an old prevResult with a bad address',
      { stdin: { cniVersion: '0.2.0', prevResult: { ip4: { ip: 'x' } } } },
      6,
      'ip4.ip must be an address',
    ],
  ])('%s', async (_, given, code, sentence) => {
    const { code: exitCode, document } = await run(given)
    expect(exitCode).toBe(1)
    expect(document).toMatchObject({ code, msg: expect.stringContaining(sentence) })
    expect(document.msg).not.toContain('\n')
    expect(supportedVersions).toContain(document.cniVersion)
  })

  test('the error has the version of the configuration', async () => {
    const add = () => Promise.reject(new CNIFailure(11, 'later', { details: 'why' }))
    const { document } = await run({ stdin: { cniVersion: '0.3.1' }, add })
    expect(document).toEqual({ cniVersion: '0.3.1', code: 11, msg: 'later', details: 'why' })
  })
  test('what nobody foresaw is code 999', async () => {
    const { document } = await run({ add: () => Promise.reject(new TypeError('x is undefined')) })
    expect(document).toMatchObject({ code: 999, msg: 'x is undefined' })
  })
  test('the document on stdin is never quoted', async () => {
    const { stdout } = await run({ stdin: '{"policy":{"k8s_auth_token":"s3cret"' })
    expect(stdout).not.toContain('s3cret')
  })
})
