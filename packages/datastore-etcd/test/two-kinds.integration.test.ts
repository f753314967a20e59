/**
 * Two writers, two kinds: our adapter through each transport, and a process that works as upstream
 * does, all on the same blocks. Ten thousand allocations, one holder for each address.
 */
import { join } from 'node:path'
import { command } from '@hc-calico/cluster/command'
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import { createIPAM, type IPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accounts, prepare } from './writers.ts'

const hosts = Array.from({ length: 8 }, (_, n) => `node-${n}`)
const blocksPerHost = 20
/** Per host and kind of writer; three kinds: 10,008 in all. */
const each = 417

let etcd: Etcd
let lean: Datastore
let full: Datastore

beforeAll(async () => {
  etcd = await startEtcd()
  lean = createLeanEtcdDatastore({ endpoints: [etcd.endpoint] })
  full = await createEtcdDatastore({ endpoints: [etcd.endpoint] })
  await prepare(lean, hosts)
  const ipam = createIPAM({ datastore: lean })
  for (const [n, host] of hosts.entries()) {
    for (let block = 0; block < blocksPerHost; block += 1) {
      const first = (n * blocksPerHost + block) * 64
      const cidr = `10.70.${first >> 8}.${first & 255}/26`
      await ipam.claimAffinity(cidr, { type: 'host', host })
    }
  }
})
afterAll(async () => {
  await lean?.close()
  await full?.close()
  await etcd?.stop()
})

const take = async (ipam: IPAM, host: string, kind: string): Promise<ReadonlyArray<string>> => {
  const told: string[] = []
  for (let n = 0; n < each; n += 1) {
    const handleID = `${kind}.${host}.${n}`
    const { v4 } = await ipam.autoAssign({ host, num4: 1, handleID, intendedUse: 'Workload' })
    told.push(`${handleID} ${v4?.ips[0]?.split('/')[0]}`)
  }
  return told
}

test('one holder per address over 10,008 allocations', { timeout: 400_000 }, async () => {
  const raw = command(
    process.execPath,
    [
      '--conditions=hc-calico-source',
      join(import.meta.dirname, 'raw-writer.ts'),
      etcd.endpoint,
      String(each),
      ...hosts,
    ],
    { timeoutMs: 390_000 },
  )
  const ours = hosts.flatMap((host) => [
    take(createIPAM({ datastore: lean }), host, 'lean'),
    take(createIPAM({ datastore: full }), host, 'etcd3'),
  ])
  const told = [...(await raw).trim().split('\n'), ...(await Promise.all(ours)).flat()]
  expect(told).toHaveLength(3 * hosts.length * each)
  const { allocated, counted } = await accounts(lean)
  expect(new Set(told.map((line) => line.split(' ')[1])).size).toBe(told.length)
  expect([...allocated].map(([address, handle]) => `${handle} ${address}`).toSorted()).toEqual(
    told.toSorted(),
  )
  expect(counted.size).toBe(told.length)
})
