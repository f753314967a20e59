/**
 * One member with TLS and client certificates, reached by address and by name: both transports,
 * processes that live for one call on Node and on Bun (run and compiled), and what is said to those
 * whose certificates are wrong.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryCommand } from '@hc-calico/cluster/command'
import { type EtcdCluster, startEtcdCluster } from '@hc-calico/cluster/etcd-cluster'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createLeanEtcdDatastore, type EtcdOptions } from '@hc-calico/datastore-etcd/lean'
import type { Write } from '@hc-calico/ipam-core/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { prepare } from './writers.ts'

const bun = new URL('../../../node_modules/@oven/bun-linux-x64/bin/bun', import.meta.url).pathname
const script = join(import.meta.dirname, 'one-shot.ts')
const source = '--conditions=hc-calico-source'

let cluster: EtcdCluster
let relay: Server
let options: EtcdOptions
/** The same member, by name. */
let byName: EtcdOptions

/** Makes the member reachable as localhost, a name that is in its certificate. */
const startRelay = async (address: string): Promise<Server> => {
  const server = createServer((client) => {
    const upstream = connect(2379, address)
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

beforeAll(async () => {
  cluster = await startEtcdCluster({ size: 1, users: [{ name: 'calico', prefix: '/calico/' }] })
  const { certFile, keyFile } = await cluster.certificate('calico')
  options = { endpoints: cluster.endpoints, caCertFile: cluster.caFile, certFile, keyFile }
  relay = await startRelay(cluster.members[0]?.address ?? '')
  const { port } = relay.address() as AddressInfo
  byName = { ...options, endpoints: [`https://localhost:${port}`] }
  const store = createLeanEtcdDatastore(options)
  await prepare(store, ['node-1'])
  await store.close()
})
afterAll(async () => {
  relay?.close()
  await cluster?.stop()
})

const key = { kind: 'IPPool', name: 'pods' } as const

describe('who has a certificate is served', () => {
  test.each([
    ['lean, by address', async () => createLeanEtcdDatastore(options)],
    ['lean, by name', async () => createLeanEtcdDatastore(byName)],
    ['etcd3, by address', () => createEtcdDatastore(options)],
    ['etcd3, by name', () => createEtcdDatastore(byName)],
  ])('%s', async (_, open) => {
    const store = await open()
    const read = await store.read([{ get: key }])()
    expect(read).toMatchObject({ _tag: 'Right', right: [{ value: { name: 'pods' } }] })
    const handle = { kind: 'Handle', id: 'tls' } as const
    const value = { id: 'tls', blocks: {} }
    const done = await store.commit([{ op: 'create', key: handle, value }])()
    const revision = done._tag === 'Right' ? done.right.revisions[0] : undefined
    if (revision === undefined) throw new Error('not created')
    expect((await store.commit([{ op: 'delete', key: handle, revision }])())._tag).toBe('Right')
    await store.close()
  })
})

describe('a process for one call', () => {
  const taken = async (file: string, args: ReadonlyArray<string>, handle: string) => {
    const { exitCode, stdout, stderr } = await tryCommand(file, [
      ...args,
      JSON.stringify(options),
      handle,
    ])
    expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0 })
    expect(stdout).toMatch(/^10\.70\.\d+\.\d+\/26\n$/)
  }

  test('on Node, and etcd3 is not loaded', async () => {
    const refuse = `import { registerHooks } from 'node:module'
      registerHooks({ resolve: (name, context, next) => {
        if (/^(etcd3|@grpc)/.test(name)) throw new Error(name + ' is loaded')
        return next(name, context)
      } })`
    const hook = `data:text/javascript,${encodeURIComponent(refuse)}`
    await taken(process.execPath, [source, '--import', hook, script], 'node')
  })

  test('on Bun', () => taken(bun, [source, 'run', script], 'bun'))

  test('compiled by Bun', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hc-one-shot-'))
    try {
      const outfile = join(directory, 'one-shot')
      const made = await tryCommand(
        bun,
        ['build', source, '--format=esm', '--compile', '--bytecode', script, '--outfile', outfile],
        { timeoutMs: 60_000 },
      )
      expect(made).toMatchObject({ exitCode: 0 })
      await taken(outfile, [], 'compiled')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

describe('who has not is told', () => {
  test.each<[string, () => EtcdOptions, string, string]>([
    [
      'no client certificate',
      () => ({ caCertFile: cluster.caFile }),
      'Unauthorized',
      'it wants a client certificate that its own authority has signed',
    ],
    [
      'an authority nobody told us of',
      () => ({}),
      'Unauthorized',
      'name the authority that signed the certificates of the members',
    ],
    // Far sooner than the time that a call has: waiting mends no certificate.
  ])('%s', { timeout: 10_000 }, async (_, given, tag, words) => {
    const { endpoints } = cluster
    const store = createLeanEtcdDatastore({ ...given(), endpoints, callTimeoutMs: 30_000 })
    const message = expect.stringMatching(new RegExp(`^cannot [^\\n]*${words}[^\\n]*$`))
    const read = await store.read([{ get: key }])()
    expect(read).toMatchObject({ _tag: 'Left', left: { tag, message } })
    const create = {
      op: 'create',
      key: { kind: 'Handle', id: 'x' },
      value: { id: 'x', blocks: {} },
    }
    const done = await store.commit([create as Write])()
    expect(done).toMatchObject({ _tag: 'Left', left: { error: { tag, message } } })
    await store.close()
  })
})
