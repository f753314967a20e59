/**
 * Sixteen writers, half on each transport, allocate on one etcd while replies are lost, tokens
 * expire, a permission is taken away, the quota is used up and history is compacted under a watch.
 * As on the cluster: bounded calls, no address twice, none lost, and service as soon as it can be.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '@hc-calico/cluster/command'
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTCPProxy, type TCPProxy } from './tcp-proxy.ts'
import { accounts, type Ledger, newLedger, prepare, settle, write } from './writers.ts'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface World {
  readonly etcd: Etcd
  /** Between the writers and etcd. */
  readonly proxy: TCPProxy
  readonly etcdctl: (...args: ReadonlyArray<string>) => Promise<string>
}

interface Fault {
  readonly name: string
  readonly args?: ReadonlyArray<string>
  readonly isAuthenticated?: boolean
  /** Breaks something for a while; resolves when it is as before. */
  readonly happen: (world: World) => Promise<void>
  /** What every failure must say; absent: none is allowed. */
  readonly failure?: RegExp
  /** Absent: calls may ride it out. */
  readonly mustFail?: boolean
}

const keys = mkdtempSync(join(tmpdir(), 'hc-jwt-'))
const keyFile = (name: string): string => join(keys, name)

beforeAll(() => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(keyFile('public'), publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(keyFile('private'), privateKey.export({ type: 'pkcs1', format: 'pem' }))
})
afterAll(() => rmSync(keys, { recursive: true, force: true }))

const revisionOf = async ({ etcdctl }: World): Promise<string> =>
  /"Revision" : (\d+)/.exec(await etcdctl('endpoint', 'status', '-w', 'fields'))?.[1] ?? ''

/** On a busy machine nothing may have been written since the last time, which is as good. */
const compact = async (world: World): Promise<void> => {
  await world.etcdctl('compact', await revisionOf(world)).catch((error: unknown) => {
    if (!/has been compacted/.test(String(error))) throw error
  })
}

/** One key after the other until etcd refuses. */
const fill = async ({ etcdctl }: World): Promise<void> => {
  const large = 'x'.repeat(100_000)
  for (let n = 0; n < 200; n += 1) {
    const isRefused = await etcdctl('put', `/filler/${n}`, large).then(
      () => false,
      () => true,
    )
    if (isRefused) return
  }
  throw new Error('the quota was never used up')
}

const faults: ReadonlyArray<Fault> = [
  {
    name: 'replies are lost',
    happen: async ({ proxy }) => {
      for (let n = 0; n < 20; n += 1) {
        proxy.loseNextReply()
        await sleep(100)
      }
    },
  },
  {
    name: 'tokens expire every second',
    args: [
      '--auth-token',
      `jwt,pub-key=${keyFile('public')},priv-key=${keyFile('private')},sign-method=RS256,ttl=1s`,
    ],
    isAuthenticated: true,
    happen: () => sleep(3_000),
  },
  {
    name: 'the permission is taken away',
    isAuthenticated: true,
    happen: async ({ etcdctl }) => {
      const prefix = ['--prefix=true', 'calico']
      await etcdctl('role', 'revoke-permission', ...prefix, '/calico/')
      await sleep(1_000)
      await etcdctl('role', 'grant-permission', ...prefix, 'readwrite', '/calico/')
    },
    failure: /permission denied; the user needs a role with read and write permission/,
    mustFail: true,
  },
  {
    name: 'the quota is used up',
    args: ['--quota-backend-bytes', '6000000'],
    happen: async (world) => {
      const { etcdctl } = world
      await fill(world)
      await sleep(1_000)
      await etcdctl('del', '--prefix', '/filler/')
      await compact(world)
      await etcdctl('defrag')
      await etcdctl('alarm', 'disarm')
    },
    failure: /database space exceeded; compact and defragment it/,
  },
  {
    name: 'history is compacted under a watch that is cut off',
    happen: async (world) => {
      for (let n = 0; n < 5; n += 1) {
        world.proxy.cut()
        await sleep(200)
        await compact(world)
        world.proxy.restore()
        await sleep(400)
      }
    },
  },
]

const writers = 16
const hosts = ['node-1', 'node-2', 'node-3', 'node-4']
const callMsMax = 30_000
/** From the repair to the next success: reconnecting, and the pause before a retry. */
const recoveryMsMax = 3_000

const worldFor = async (fault: Fault): Promise<World> => {
  const etcd = await startEtcd({ args: fault.args ?? [] })
  const user = fault.isAuthenticated === true ? ['--user', 'root:secret'] : []
  const env = { ETCDCTL_API: '3', PATH: '/usr/bin:/bin' }
  const run = (...args: ReadonlyArray<string>): Promise<string> =>
    command('/usr/bin/etcdctl', ['--endpoints', etcd.endpoint, ...args], { env })
  if (fault.isAuthenticated === true) {
    for (const name of ['root', 'calico']) await run('user', 'add', `${name}:secret`)
    await run('role', 'add', 'calico')
    await run('role', 'grant-permission', '--prefix=true', 'calico', 'readwrite', '/calico/')
    await run('user', 'grant-role', 'calico', 'calico')
    await run('user', 'grant-role', 'root', 'root')
    await run('auth', 'enable')
  }
  const proxy = await startTCPProxy(etcd.endpoint)
  return { etcd, proxy, etcdctl: (...args) => run(...user, ...args) }
}

/** Keeps the ids of all handles as a watch tells them, or why it ended. */
const follow = (store: Datastore, end: AbortSignal) => {
  const seen = new Set<string>()
  const watching = (async () => {
    for await (const event of store.watch('Handle', end)) {
      if (event.tag === 'Put') seen.add(event.keyValue.key.id)
      if (event.tag === 'Deleted') seen.delete(event.key.id)
    }
  })()
  watching.catch((error: unknown) => seen.add(`the watch ended: ${error}`))
  return { seen, watching }
}

const checkAccounts = async (store: Datastore, ledger: Ledger): Promise<void> => {
  const { allocated, counted } = await accounts(store)
  const told = [...ledger.held].map(([handle, address]) => [address, handle])
  expect(new Set(ledger.held.values()).size, 'no address was given twice').toBe(ledger.held.size)
  expect([...allocated].toSorted(), 'nothing is lost, nothing leaks').toEqual(told.toSorted())
  expect([...counted.keys()].toSorted()).toEqual([...ledger.held.keys()].toSorted())
}

describe.each(faults)('$name', (fault) => {
  test('while sixteen writers allocate', { timeout: 60_000 }, async () => {
    const world = await worldFor(fault)
    const { endpoint } = world.proxy
    const signIn = fault.isAuthenticated === true ? { username: 'calico', password: 'secret' } : {}
    const options = { endpoints: [endpoint], ...signIn }
    const lean = createLeanEtcdDatastore(options)
    const full = await createEtcdDatastore(options)
    const direct = createLeanEtcdDatastore({ ...options, endpoints: [world.etcd.endpoint] })
    const end = new AbortController()
    try {
      await prepare(direct, hosts)
      const ledger = newLedger()
      let isOver = false
      const watches =
        fault.failure === undefined ? [lean, full].map((one) => follow(one, end.signal)) : []
      const writing = Array.from({ length: writers }, (_, id) =>
        write(id % 2 === 0 ? lean : full, id, hosts[id % 4] as string, ledger, () => isOver),
      )
      await sleep(500)
      await fault.happen(world)
      const repairedAt = performance.now()
      await expect
        .poll(() => ledger.successes.some((at) => at > repairedAt), { timeout: recoveryMsMax })
        .toBe(true)
      await sleep(500)
      isOver = true
      await Promise.all(writing)
      await settle(direct, ledger)
      await checkAccounts(direct, ledger)
      expect(ledger.held.size).toBeGreaterThan(writers)
      expect(ledger.callMsMax).toBeLessThan(callMsMax)
      for (const failure of ledger.failures) expect(failure).not.toContain('\n')
      for (const failure of ledger.failures) expect(failure).toMatch(fault.failure ?? /^none$/)
      if (fault.mustFail === true) expect(ledger.failures).not.toEqual([])
      for (const { seen } of watches) {
        await expect
          .poll(() => [...seen].toSorted(), { timeout: 15_000 })
          .toEqual([...ledger.held.keys()].toSorted())
      }
      end.abort()
      for (const { watching } of watches) await watching
    } finally {
      end.abort()
      await Promise.all([lean.close(), full.close(), direct.close()])
      await world.proxy.close()
      await world.etcd.stop()
    }
  })
})
