// Options as operators write them, and one sentence for each mistake.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { discoveredEndpoints } from '../src/discovery.ts'
import { checkedOptions, type EtcdOptions } from '../src/options.ts'

const folder = mkdtempSync(join(tmpdir(), 'hc-etcd-options-'))
const file = (name: string): string => {
  writeFileSync(join(folder, name), name)
  return join(folder, name)
}
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  ['10.0.0.1', 'http://10.0.0.1:2379'],
  ['10.0.0.1:4001', 'http://10.0.0.1:4001'],
  ['https://etcd.example', 'https://etcd.example:2379'],
  ['https://etcd.example:443', 'https://etcd.example:443'],
  ['https://[fd00::1]:2379/', 'https://[fd00::1]:2379'],
  ['http://[fd00::1]', 'http://[fd00::1]:2379'],
])('endpoint %s', (text, endpoint) => {
  expect(checkedOptions({ endpoints: [text] }).endpoints).toEqual([endpoint])
})

test('certificates from files and as text', () => {
  const endpoints = ['https://e:2379']
  const files = { caCertFile: file('ca'), certFile: file('cert'), keyFile: file('key') }
  const tls = { ca: 'ca', cert: 'cert', key: 'key' }
  expect(checkedOptions({ endpoints, ...files }).tls).toEqual(tls)
  expect(checkedOptions({ endpoints, caCert: 'ca', cert: 'cert', key: 'key' }).tls).toEqual(tls)
  expect(checkedOptions({ endpoints }).tls).toBeUndefined()
})

describe('refusals', () => {
  const one = { endpoints: ['http://e:2379'] }
  test.each<[EtcdOptions, string]>([
    [{}, 'no etcd endpoints are configured: set etcd_endpoints (or ETCD_ENDPOINTS)'],
    [{ endpoints: ['ftp://e'] }, 'etcd endpoint "ftp://e" must begin with https:// or http://'],
    [{ endpoints: ['http://'] }, 'etcd endpoint "http://" is not a URL: write https://HOST:PORT'],
    [
      { endpoints: ['http://u:p@e:1'] },
      'an etcd endpoint must not contain a user: use the options for it',
    ],
    [{ endpoints: ['http://e:1/v3'] }, 'etcd endpoint "http://e:1/v3" must not have a path'],
    [
      { ...one, cert: 'x' },
      'the etcd client certificate and its key go together: one of them is missing',
    ],
    [
      { ...one, caCert: 'x', caCertFile: '/y' },
      'the etcd CA certificate is given twice, as text and as file /y: give one',
    ],
    [{ ...one, caCertFile: '/no/such' }, 'the etcd CA certificate file /no/such cannot be read'],
    [{ ...one, password: 'x' }, 'an etcd password is given, but no user'],
    [
      { ...one, callTimeoutMs: 0 },
      'the etcd option callTimeoutMs must be a whole number of milliseconds from 1, but is 0',
    ],
    [{ ...one, username: 'calico' }, 'the etcd user "calico" has no password'],
  ])('%j', (options, sentence) => expect(() => checkedOptions(options)).toThrow(sentence))
})

describe('discovery', () => {
  const secure = { name: 'a.example.org', port: 2379 }
  const plain = { name: 'b.example.org', port: 4001 }
  const answers = (records: Readonly<Record<string, (typeof plain)[]>>) => async (name: string) => {
    const found = records[name]
    if (found === undefined) throw Object.assign(new Error(name), { code: 'ENOTFOUND' })
    return found
  }

  test('plain text where there is nothing else', async () => {
    const resolve = answers({ '_etcd-client._tcp.example.org': [plain] })
    expect(await discoveredEndpoints('example.org', resolve)).toEqual(['http://b.example.org:4001'])
  })

  test('TLS only where there is TLS', async () => {
    const resolve = answers({
      '_etcd-client-ssl._tcp.example.org': [secure],
      '_etcd-client._tcp.example.org': [plain],
    })
    expect(await discoveredEndpoints('example.org', resolve)).toEqual([
      'https://a.example.org:2379',
    ])
  })

  test('says what it looked for when there is nothing', async () => {
    await expect(discoveredEndpoints('example.org', answers({}))).rejects.toThrow(
      'no etcd endpoints were found: neither _etcd-client-ssl._tcp.example.org nor _etcd-client._tcp.example.org has SRV records',
    )
  })

  test('DNS in trouble is not taken for an answer', async () => {
    const resolve = (name: string) =>
      name.includes('-ssl')
        ? Promise.reject(Object.assign(new Error('querySrv ESERVFAIL'), { code: 'ESERVFAIL' }))
        : Promise.resolve([plain])
    await expect(discoveredEndpoints('example.org', resolve)).rejects.toThrow(
      'cannot look up etcd endpoints: DNS failed for _etcd-client-ssl._tcp.example.org: querySrv ESERVFAIL',
    )
  })
})
