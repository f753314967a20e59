/**
 * How often an operation waits for etcd, one wait after the other: the budget of the architecture,
 * on a real server and through each transport.
 */
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { createIPAM, type IPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createEtcd3Transport } from '../src/client.ts'
import { datastoreOn } from '../src/datastore.ts'
import { createLeanTransport } from '../src/lean-transport.ts'
import { checkedOptions, type EtcdSettings } from '../src/options.ts'
import type { EtcdTransport } from '../src/transport.ts'
import { prepare } from './writers.ts'

const transports: ReadonlyArray<[string, (settings: EtcdSettings) => Promise<EtcdTransport>]> = [
  ['lean', async (settings) => createLeanTransport(settings)],
  ['etcd3', createEtcd3Transport],
]

/** Counts waits: transactions that are under way together are one. */
const counting = (transport: EtcdTransport) => {
  let underWay = 0
  const count = { waits: 0 }
  const transact: EtcdTransport['transact'] = async (transaction, call) => {
    if (underWay === 0) count.waits += 1
    underWay += 1
    try {
      return await transport.transact(transaction, call)
    } finally {
      underWay -= 1
    }
  }
  const counted: EtcdTransport = {
    transact,
    changes: (...given) => transport.changes(...given),
    close: () => transport.close(),
  }
  return { counted, count }
}

describe.each(transports)('%s transport', (name, open) => {
  let etcd: Etcd
  let datastore: Datastore
  let ipam: IPAM
  let count: { waits: number }

  beforeAll(async () => {
    etcd = await startEtcd()
    const made = counting(await open(checkedOptions({ endpoints: [etcd.endpoint] })))
    count = made.count
    datastore = datastoreOn(made.counted)
    ipam = createIPAM({ datastore })
    await prepare(datastore, ['node-1', 'node-2'])
  })
  afterAll(async () => {
    await datastore?.close()
    await etcd?.stop()
  })
  beforeEach(() => {
    count.waits = 0
  })

  const add = async (handleID: string, host = 'node-1') => {
    const request = { host, num4: 1, handleID, intendedUse: 'Workload' } as const
    const { v4 } = await ipam.autoAssign(request)
    return v4?.ips[0]?.split('/')[0] as string
  }

  test('an address that claims a new block: at most 3', async () => {
    await add(`${name}-new`)
    expect(count.waits).toBeLessThanOrEqual(3)
  })

  test('an address from a block of the node: 3', async () => {
    await add(`${name}-own-1`, 'node-2')
    count.waits = 0
    await add(`${name}-own-2`, 'node-2')
    expect(count.waits).toBe(3)
  })

  test('giving back: 2 where the address and its block are known, 3 by handle', async () => {
    const address = await add(`${name}-known`)
    const blockHint = `${address.split('.').slice(0, 3).join('.')}.${Number(address.split('.')[3]) & 192}/26`
    count.waits = 0
    const { released } = await ipam.releaseIPs([{ address, handle: `${name}-known`, blockHint }])
    expect(released).toEqual([address])
    expect(count.waits).toBe(2)

    await add(`${name}-by-handle`)
    count.waits = 0
    await ipam.releaseByHandle(`${name}-by-handle`)
    expect(count.waits).toBe(3)
  })
})
