// Kubeconfigs as installers and clouds write them, read by the lean client.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessFromKubeconfig } from '../src/kubeconfig.ts'
import type { KubeClientOptions } from '../src/options.ts'
import { resolveAccess } from '../src/resolve-access.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hc-kubeconfig-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(join(folder, name), text)
  chmodSync(join(folder, name), mode)
  return join(folder, name)
}

interface Parts {
  readonly cluster?: object
  readonly user?: object
}

const config = ({ cluster, user }: Parts) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443/', ...cluster } }],
  users: [{ name: 'u', user: { ...user } }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'x',
})

let written = 0
const accessTo = (parts: Parts = {}) => {
  written += 1
  return accessFromKubeconfig(write(`config-${written}`, JSON.stringify(config(parts))))
}
const base64 = (text: string): string => Buffer.from(text).toString('base64')

test('YAML as Calico’s installer writes it', async () => {
  const file = write(
    'calico-kubeconfig',
    `# Kubeconfig file for Calico CNI plugin. Installed by calico/node.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://[10.96.0.1]:443
    certificate-authority-data: "${base64('CA')}"
users:
- name: calico
  user:
    token: abc
contexts:
- name: calico-context
  context:
    cluster: local
    user: calico
current-context: calico-context
`,
  )
  const access = await accessFromKubeconfig(file)
  expect(access.server).toBe('https://[10.96.0.1]:443')
  expect(access.tls).toEqual({ ca: 'CA' })
  expect(await access.headers()).toEqual({ authorization: 'Bearer abc' })
})

test('certificates inline and beside the file', async () => {
  write('client.crt', 'CERT')
  const user = { 'client-certificate': 'client.crt', 'client-key-data': base64('KEY') }
  const { tls, server } = await accessTo({ user, cluster: { 'tls-server-name': 'api' } })
  expect(server).toBe('https://10.0.0.1:6443')
  expect(tls).toEqual({ cert: 'CERT', key: 'KEY', servername: 'api' })
})

test('a token file is read again when the token is refused', async () => {
  const tokenFile = write('token', 'one\n')
  const access = await accessTo({ user: { tokenFile } })
  expect(await access.headers()).toEqual({ authorization: 'Bearer one' })
  write('token', 'two\n')
  expect(await access.headers()).toEqual({ authorization: 'Bearer one' })
  access.renew()
  expect(await access.headers()).toEqual({ authorization: 'Bearer two' })
})

test('a credential program', async () => {
  const command = write(
    'login',
    '#!/bin/sh\necho "{\\"status\\":{\\"token\\":\\"$WHO-$1\\"}}"\n',
    0o755,
  )
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command,
    args: ['x'],
    env: [{ name: 'WHO', value: 'me' }],
  }
  const access = await accessTo({ user: { exec } })
  expect(await access.headers()).toEqual({ authorization: 'Bearer me-x' })
})

test('a credential program that gives a certificate', async () => {
  const status = '{\\"clientCertificateData\\":\\"CERT\\",\\"clientKeyData\\":\\"KEY\\"}'
  const command = write('certify', `#!/bin/sh\necho "{\\"status\\":${status}}"\n`, 0o755)
  const access = await accessTo({ user: { exec: { command } } })
  expect(access.tls).toMatchObject({ cert: 'CERT', key: 'KEY' })
  expect(await access.headers()).toEqual({})
})

test('a user name and password', async () => {
  const access = await accessTo({ user: { username: 'u', password: 'p' } })
  expect(await access.headers()).toEqual({ authorization: `Basic ${base64('u:p')}` })
})

test('what is stated beside the kubeconfig counts more', async () => {
  const kubeconfig = write('overridden', JSON.stringify(config({ user: { token: 'a' } })))
  const certificateAuthority = write('other-ca', 'OTHER')
  const options = { kubeconfig, apiRoot: 'https://api:6443', token: 'b', certificateAuthority }
  const access = await resolveAccess(options, {})
  expect([access.server, access.tls, await access.headers()]).toEqual([
    'https://api:6443',
    { ca: 'OTHER' },
    { authorization: 'Bearer b' },
  ])
})

describe('refusals', () => {
  const kubeconfig = (name: string, text: string) => ({ kubeconfig: write(name, text) })
  test.each<[string, () => KubeClientOptions, string]>([
    [
      'no file',
      () => ({ kubeconfig: '/no/such' }),
      'the kubeconfig /no/such cannot be read: ENOENT',
    ],
    ['no YAML', () => kubeconfig('r1', 'a: [b'), 'cannot be read: '],
    ['a list', () => kubeconfig('r2', '- a'), 'is not a kubeconfig: it has no fields'],
    ['no context', () => kubeconfig('r3', 'kind: Config'), 'has no current-context'],
    [
      'a context that is not there',
      () => kubeconfig('r4', 'current-context: x'),
      'has no context "x", its current-context',
    ],
    [
      'a cluster that is not there',
      () => kubeconfig('r5', JSON.stringify({ ...config({}), clusters: [] })),
      'has no cluster "c"',
    ],
    [
      'no server',
      () => kubeconfig('r6', JSON.stringify(config({ cluster: { server: '' } }))),
      'names no server',
    ],
    [
      'a server that is none',
      () => ({ apiRoot: 'api:6443' }),
      '"api:6443" is not the address of a Kubernetes API: write https://HOST:PORT',
    ],
    [
      'a missing key',
      () => kubeconfig('r7', JSON.stringify(config({ user: { 'client-key': 'none' } }))),
      'the client-key of the kubeconfig',
    ],
    [
      'nothing',
      () => ({}),
      'the Kubernetes API is not configured: set kubernetes.kubeconfig (or KUBECONFIG), or run in a pod',
    ],
  ])('%s', async (_, options, sentence) => {
    await expect(resolveAccess(options(), {})).rejects.toThrow(sentence)
  })

  test('a credential program that fails', async () => {
    const command = write('fails', '#!/bin/sh\nexit 3\n', 0o755)
    const access = accessTo({ user: { exec: { command } } })
    await expect(access).rejects.toThrow(`the credential program ${command} failed`)
  })

  test('a credential program that prints nothing of use', async () => {
    const command = write('empty', '#!/bin/sh\necho "{}"\n', 0o755)
    const access = accessTo({ user: { exec: { command } } })
    await expect(access).rejects.toThrow(`the credential program ${command} printed neither`)
  })
})
