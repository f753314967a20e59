/**
 * Three members with TLS and client certificates; sixteen writers allocate while one member is
 * killed, stopped or cut off. Every call ends in time with success or one sentence, no address is
 * given twice, none is lost, and service is back soon after the cluster itself.
 */
import {
  type EtcdCluster,
  type EtcdMember,
  startEtcdCluster,
} from '@hc-calico/cluster/etcd-cluster'
import { describeDatastoreContract } from '@hc-calico/datastore-contract'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createLeanEtcdDatastore, type EtcdOptions } from '@hc-calico/datastore-etcd/lean'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accounts, newLedger, prepare, settle, write } from './writers.ts'

let cluster: EtcdCluster
let options: EtcdOptions

beforeAll(async () => {
  cluster = await startEtcdCluster({
    users: [{ name: 'calico', prefix: '/calico/' }],
    args: ['--heartbeat-interval', '50', '--election-timeout', '500'],
  })
  const { certFile, keyFile } = await cluster.certificate('calico')
  options = { endpoints: cluster.endpoints, caCertFile: cluster.caFile, certFile, keyFile }
})
afterAll(() => cluster?.stop())

const emptied = () => cluster.etcdctl('del', '--prefix', '/calico/')

describe('whole', () => {
  describeDatastoreContract('etcd cluster, TLS and client certificates', {
    capabilities: { atomicCommit: true, watch: true },
    // Shown on one server, where a proxy can stand in between.
    losesReplies: false,
    open: async () => {
      await emptied()
      const first = createLeanEtcdDatastore(options)
      const second = await createEtcdDatastore(options)
      const close = async (): Promise<void> => {
        await Promise.all([first.close(), second.close()])
      }
      return { first, second, close }
    },
  })
})

interface Fault {
  readonly name: string
  readonly strike: (leader: EtcdMember) => Promise<void> | void
  readonly repair: (leader: EtcdMember) => Promise<void> | void
}

const faults: ReadonlyArray<Fault> = [
  { name: 'killed', strike: (leader) => leader.kill(), repair: (leader) => leader.start() },
  { name: 'stopped', strike: (leader) => leader.pause(), repair: (leader) => leader.resume() },
  {
    name: 'cut off',
    strike: (leader) => leader.partition('all'),
    repair: (leader) => leader.heal(),
  },
  {
    name: 'cut off from the other members only',
    strike: (leader) => leader.partition('peers'),
    repair: (leader) => leader.heal(),
  },
]

const writers = 16
const calmMs = 1_000
const faultMs = 5_000
/** What a call may take: ten seconds of trying, and what it does after a doubtful write. */
const callMsMax = 30_000
/** From the strike to the next success: election, a timeout of those who asked the lost member. */
const outageMsMax = 4_500
/** The election timeout is 500 ms: before that, successes are from before the strike. */
const electionMsMin = 700
/** From the cluster's having a leader again to the next success. */
const recoveryMsMax = 2_500

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe.each(faults)('the leader is $name', ({ strike, repair }) => {
  test('while sixteen writers allocate', async () => {
    await emptied()
    const stores = Array.from({ length: writers }, () => createLeanEtcdDatastore(options))
    const [first] = stores
    if (first === undefined) throw new Error('no writer')
    const hosts = ['node-1', 'node-2', 'node-3', 'node-4']
    await prepare(first, hosts)
    const ledger = newLedger()
    let isOver = false
    const writing = stores.map((store, id) =>
      write(store, id, hosts[id % hosts.length] as string, ledger, () => isOver),
    )
    await sleep(calmMs)
    const leader = await cluster.leader()
    const struckAt = performance.now()
    await strike(leader)
    const electedAt = cluster.leader(leader).then(() => performance.now())
    await sleep(faultMs)
    await repair(leader)
    await sleep(calmMs)
    isOver = true
    await Promise.all(writing)
    await cluster.leader()

    await settle(first, ledger)
    const { allocated, counted } = await accounts(first)
    const told = [...ledger.held].map(([handle, address]) => [address, handle])
    expect(new Set(ledger.held.values()).size, 'no address was given twice').toBe(ledger.held.size)
    expect([...allocated].toSorted(), 'nothing is lost, nothing leaks').toEqual(told.toSorted())
    expect([...counted.keys()].toSorted()).toEqual([...ledger.held.keys()].toSorted())
    expect(ledger.callMsMax).toBeLessThan(callMsMax)
    const nextAfter = (time: number): number =>
      ledger.successes.find((at) => at > time) ?? Number.POSITIVE_INFINITY
    const gapEnd = nextAfter(struckAt + electionMsMin)
    expect(gapEnd - struckAt, 'service is back').toBeLessThan(outageMsMax)
    const elected = await electedAt
    expect(nextAfter(elected) - elected, 'soon after the cluster').toBeLessThan(recoveryMsMax)
    for (const failure of ledger.failures) expect(failure).not.toContain('\n')
    await Promise.all(stores.map((store) => store.close()))
  })
})
