/**
 * A service whose pools have exactly as many addresses as it has pods, and more nodes than blocks:
 * every pod gets one, on every datastore, and none is stranded in a block of somebody else's. Each
 * node is a client of its own; the pods of one node wait for each other, as at the host's lock.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIPAM, type IPAM } from '@hc-calico/ipam-core'
import type { Datastore, Write } from '@hc-calico/ipam-core/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { autoAssignInListOrder } from '../src/calico-ipam/in-list-order.ts'
import { type LabDatastore, labDatastores, poolValue } from './lab/lab-datastore.ts'

const podCount = 200
const nodes = Array.from({ length: 50 }, (_, n) => `crowd-${n}`)

/** 128 + 64 + 8 addresses in four blocks: most nodes can never own one. */
const pools = [
  { name: 'large', cidr: '10.81.0.0/25', blockSize: 26, assignmentMode: 'Manual' },
  { name: 'middle', cidr: '10.82.0.0/26', blockSize: 26, assignmentMode: 'Manual' },
  { name: 'small', cidr: '10.83.0.0/29', blockSize: 29, assignmentMode: 'Manual' },
]
const cidrs = pools.map(({ cidr }) => cidr)
const service = { name: 'svc1', v4: pools.map(({ name, cidr }) => ({ name, cidr })), v6: [] }

const assign = async (ipam: IPAM, host: string, pod: string): Promise<string> => {
  const request = {
    host,
    num4: 1,
    handleID: pod,
    attrs: { node: host, pod, namespace: 'default' },
    ipv4Pools: cidrs,
    intendedUse: 'Workload' as const,
    maxAllocToHandlePerIPVersion: 1,
  }
  const { v4 } = await autoAssignInListOrder(ipam, { request, service })
  return v4?.ips[0]?.split('/')[0] ?? `${pod} got none: ${v4?.messages.join('; ')}`
}

const create = (key: object, value: object): Write => ({ op: 'create', key, value }) as Write

/** What an operator and the nodes would have put into the embedded datastore. */
const fill = async (datastore: Datastore): Promise<void> => {
  const done = await datastore.commit([
    ...pools.map((pool) => create({ kind: 'IPPool', name: pool.name }, poolValue(pool))),
    ...nodes.map((name) => create({ kind: 'Node', name }, { name, labels: {} })),
  ])()
  if (done._tag === 'Left') throw new Error(done.left.error.message)
}

/** Handles in the blocks, and what every handle counts. */
const accountsOf = async (datastore: Datastore) => {
  const read = await datastore.read([{ list: 'Block' }, { list: 'Handle' }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  const [blocks, handles] = read.right
  const held = blocks.flatMap(({ value }) =>
    value.allocations.flatMap((index) =>
      index === null ? [] : [`${value.attributes[index]?.handleID} in ${value.cidr}`],
    ),
  )
  const counted = handles.flatMap(({ value }) =>
    Object.entries(value.blocks).flatMap(([cidr, count]) =>
      Array.from({ length: count }, () => `${value.id} in ${cidr}`),
    ),
  )
  return { held: held.toSorted(), counted: counted.toSorted() }
}

/** Both API groups of Kubernetes get the same requests; one of them will do. */
const datastores = labDatastores.filter(({ name }) => !name.endsWith(' projectcalico.org/v3'))

describe.each(datastores)('datastore $name', ({ start }) => {
  let lab: LabDatastore
  let directory: string
  const open: Datastore[] = []
  const openOne = async (): Promise<Datastore> => {
    const datastore = await lab.open(directory)
    open.push(datastore)
    return datastore
  }
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hc-crowd-'))
    lab = await start()
    await lab.reset(pools, nodes)
    if (lab.name === 'local') await fill(await openOne())
  })
  afterAll(async () => {
    for (const datastore of open) await datastore.close()
    await lab?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  test('every pod gets an address, and the next one hears that all is full', async () => {
    const startNode = async (host: string, n: number): Promise<ReadonlyArray<string>> => {
      const ipam = createIPAM({ datastore: await openOne() })
      const given: string[] = []
      for (let pod = n; pod < podCount; pod += nodes.length) {
        given.push(await assign(ipam, host, `pod-${pod}`))
      }
      return given
    }
    const given = (await Promise.all(nodes.map(startNode))).flat()
    expect(given.filter((one) => !/^10\.8[123]\.0\.\d+$/.test(one))).toEqual([])
    expect(new Set(given).size).toBe(podCount)
    const { held, counted } = await accountsOf(await openOne())
    expect(counted).toEqual(held)
    expect(held).toHaveLength(podCount)
    const ipam = createIPAM({ datastore: await openOne() })
    expect(await assign(ipam, 'crowd-0', 'one-too-many')).toContain('one-too-many got none')
  }, 400_000)
})
