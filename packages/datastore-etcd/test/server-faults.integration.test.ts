/** What one etcd can do to a caller: lose a reply, forget history, restart, refuse, be full. */
import { command } from '@hc-calico/cluster/command'
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createLeanEtcdDatastore, type EtcdOptions } from '@hc-calico/datastore-etcd/lean'
import { createIPAM } from '@hc-calico/ipam-core'
import type { Datastore, Revision, WatchEvent } from '@hc-calico/ipam-core/ports'
import { afterEach, describe, expect, test } from 'vitest'
import { startTCPProxy, type TCPProxy } from './tcp-proxy.ts'
import { accounts, prepare } from './writers.ts'

const closing: (() => Promise<void>)[] = []
const later = (close: () => Promise<void>): void => void closing.push(close)
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const etcdWith = async (...args: ReadonlyArray<string>): Promise<Etcd> => {
  const etcd = await startEtcd({ args })
  later(() => etcd.stop())
  return etcd
}

const proxyFor = async (etcd: Etcd): Promise<TCPProxy> => {
  const proxy = await startTCPProxy(etcd.endpoint)
  later(() => proxy.close())
  return proxy
}

type Open = (options: EtcdOptions) => Promise<Datastore>
const transports: ReadonlyArray<readonly [string, Open]> = [
  ['lean', async (options) => createLeanEtcdDatastore(options)],
  ['etcd3', createEtcdDatastore],
]

const opened = async (open: Open, options: EtcdOptions): Promise<Datastore> => {
  const datastore = await open(options)
  later(() => datastore.close())
  return datastore
}

const etcdctl = (etcd: Etcd, ...args: ReadonlyArray<string>): Promise<string> =>
  command('/usr/bin/etcdctl', ['--endpoints', etcd.endpoint, ...args], {
    env: { ETCDCTL_API: '3', PATH: '/usr/bin:/bin' },
  })

const key = { kind: 'Handle', id: 'h' } as const
const create = { op: 'create', key, value: { id: 'h', blocks: { '10.0.0.0/26': 1 } } } as const

describe.each(transports)('%s transport', (_, open) => {
  test('a reply that is lost: the outcome is unknown, and the write is there', async () => {
    const etcd = await etcdWith()
    const proxy = await proxyFor(etcd)
    const store = await opened(open, { endpoints: [proxy.endpoint] })
    expect(await store.read([{ get: key }])()).toEqual({ _tag: 'Right', right: [undefined] })
    proxy.loseNextReply()
    const result = await store.commit([create])()
    expect(result._tag === 'Left' && result.left.error.tag).toBe('OutcomeUnknown')
    const read = await store.read([{ get: key }])()
    expect(read._tag === 'Right' && read.right[0]?.value).toEqual(create.value)
  })

  test('a reply that is lost amid an allocation costs no address', async () => {
    const etcd = await etcdWith()
    const proxy = await proxyFor(etcd)
    const store = await opened(open, { endpoints: [proxy.endpoint] })
    await prepare(store, ['node-1'])
    const ipam = createIPAM({ datastore: store })
    for (let n = 0; n < 10; n += 1) {
      if (n % 2 === 0) proxy.loseNextReply()
      await ipam.autoAssign({ host: 'node-1', num4: 1, handleID: `h${n}`, intendedUse: 'Workload' })
    }
    const { allocated, counted } = await accounts(store)
    expect([...allocated.values()].toSorted()).toEqual(
      Array.from({ length: 10 }, (__, n) => `h${n}`),
    )
    expect([...counted.values()]).toEqual(Array.from({ length: 10 }, () => 1))
  })

  test('nobody there: Unavailable, in time, and nothing is thought to be written', async () => {
    const options = { endpoints: ['http://127.0.0.1:1'], callTimeoutMs: 600 }
    const store = await opened(open, options)
    const started = performance.now()
    const result = await store.commit([create])()
    expect(result._tag === 'Left' && result.left.error.tag).toBe('Unavailable')
    expect(performance.now() - started).toBeLessThan(3_000)
  })

  test('one endpoint of two is dead: the other one serves', async () => {
    const etcd = await etcdWith()
    const store = await opened(open, { endpoints: ['http://127.0.0.1:1', etcd.endpoint] })
    for (let n = 0; n < 5; n += 1) expect((await store.read([{ get: key }])())._tag).toBe('Right')
  })

  test('history that was compacted under a watch: what vanished is reported', async () => {
    const etcd = await etcdWith()
    const proxy = await proxyFor(etcd)
    const direct = await opened(open, { endpoints: [etcd.endpoint] })
    const watcher = await opened(open, { endpoints: [proxy.endpoint] })
    const put = async (id: string): Promise<Revision> => {
      const write = {
        op: 'create',
        key: { kind: 'Handle', id },
        value: { id, blocks: {} },
      } as const
      const done = await direct.commit([write])()
      if (done._tag === 'Left') throw new Error(done.left.error.message)
      return done.right.revisions[0] as Revision
    }
    const gone = await put('gone')
    await put('stays')
    const end = new AbortController()
    const seen: string[] = []
    const watching = (async () => {
      for await (const event of watcher.watch('Handle', end.signal)) seen.push(textOf(event))
    })()
    await expect.poll(() => seen).toEqual(['Put gone', 'Put stays', 'Synced'])
    proxy.cut()
    await direct.commit([{ op: 'delete', key: { kind: 'Handle', id: 'gone' }, revision: gone }])()
    const last = await put('new')
    await etcdctl(etcd, 'compact', last)
    proxy.restore()
    await expect
      .poll(() => seen.slice(3), { timeout: 15_000 })
      .toEqual(['Deleted gone', 'Put new', 'Synced'])
    await put('after')
    await expect.poll(() => seen.at(-1)).toBe('Put after')
    end.abort()
    await watching
  })

  test('a token that the server no longer knows is asked for again', async () => {
    const etcd = await etcdWith()
    await enableAuthentication(etcd)
    const signIn = { endpoints: [etcd.endpoint], username: 'calico', password: 'secret' }
    const store = await opened(open, signIn)
    expect((await store.commit([create])())._tag).toBe('Right')
    // Simple tokens are kept in memory.
    await etcd.halt()
    await etcd.start()
    const read = await store.read([{ get: key }])()
    expect(read._tag === 'Right' && read.right[0]?.value).toEqual(create.value)
  })

  test('a user name where authentication is off does no harm', async () => {
    const etcd = await etcdWith()
    const signIn = { endpoints: [etcd.endpoint], username: 'calico', password: 'secret' }
    const store = await opened(open, signIn)
    const get = () => store.read([{ get: key }])()
    const results = await Promise.all([get(), get(), store.commit([create])()])
    expect(results.map(({ _tag }) => _tag)).toEqual(['Right', 'Right', 'Right'])
    expect((await get())._tag).toBe('Right')
  })

  test('who may not is told what is needed', async () => {
    const etcd = await etcdWith()
    await enableAuthentication(etcd)
    const endpoints = [etcd.endpoint]
    const cases = [
      [
        { username: 'other', password: 'secret' },
        'the user needs a role with read and write permission for keys below /calico/',
      ],
      [{ username: 'calico', password: 'wrong' }, 'check the user name and the password'],
      [{}, 'authentication is on: set a user name and password'],
    ] as const
    for (const [signIn, advice] of cases) {
      const store = await opened(open, { endpoints, ...signIn })
      const read = await store.read([{ get: key }])()
      expect(read).toMatchObject({
        _tag: 'Left',
        left: { tag: 'Unauthorized', message: expect.stringContaining(advice) },
      })
      const result = await store.commit([create])()
      expect(result).toMatchObject({ _tag: 'Left', left: { error: { tag: 'Unauthorized' } } })
    }
  })

  test('a full store refuses writes in one sentence and goes on reading', async () => {
    const etcd = await etcdWith('--quota-backend-bytes', '4000000')
    const store = await opened(open, { endpoints: [etcd.endpoint] })
    expect((await store.commit([create])())._tag).toBe('Right')
    const large = 'x'.repeat(100_000)
    let isFull = false
    for (let n = 0; n < 200 && !isFull; n += 1) {
      isFull = await etcdctl(etcd, 'put', `/filler/${n}`, large).then(
        () => false,
        () => true,
      )
    }
    expect(isFull).toBe(true)
    const another = {
      ...create,
      key: { kind: 'Handle', id: 'i' },
      value: { id: 'i', blocks: {} },
    } as const
    expect(await store.commit([another])()).toMatchObject({
      _tag: 'Left',
      left: {
        error: {
          tag: 'Unavailable',
          message: expect.stringContaining('database space exceeded; compact and defragment it'),
        },
      },
    })
    const read = await store.read([{ get: key }])()
    expect(read._tag === 'Right' && read.right[0]?.value).toEqual(create.value)
  })
})

const textOf = (event: WatchEvent<'Handle'>): string => {
  if (event.tag === 'Synced') return 'Synced'
  return `${event.tag} ${event.tag === 'Put' ? event.keyValue.key.id : event.key.id}`
}

/** Users calico (below /calico/) and other (below /other/). */
const enableAuthentication = async (etcd: Etcd): Promise<void> => {
  for (const user of ['root', 'calico', 'other']) {
    await etcdctl(etcd, 'user', 'add', `${user}:secret`)
    if (user === 'root') continue
    await etcdctl(etcd, 'role', 'add', user)
    await etcdctl(etcd, 'role', 'grant-permission', user, '--prefix=true', 'readwrite', `/${user}/`)
    await etcdctl(etcd, 'user', 'grant-role', user, user)
  }
  await etcdctl(etcd, 'user', 'grant-role', 'root', 'root')
  await etcdctl(etcd, 'auth', 'enable')
}
