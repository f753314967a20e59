/** What an allocation costs, in requests and in objects read, does not grow with the world. */
import { createIPAM } from '@hc-calico/ipam-core'
import type { Datastore, Query, Write } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import { noFaults } from '../src/index.ts'
import { SimulatedProcess } from '../src/simulated-process.ts'
import { type Mode, modes } from '../src/store/simulated-store.ts'
import { poolNamed } from '../src/traffic/settings.ts'
import { World } from '../src/world.ts'

interface Work {
  readonly requests: number
  /** Objects in the answers. */
  readonly read: number
}

const podsPerNode = 3

/** Counts what passes. */
const counted = (datastore: Datastore, work: { requests: number; read: number }): Datastore => ({
  ...datastore,
  read: (queries: ReadonlyArray<Query>) => async () => {
    work.requests += 1
    const found = await datastore.read(queries)()
    if (found._tag === 'Right') work.read += (found.right as ReadonlyArray<unknown>).flat().length
    return found as never
  },
  commit: (writes) => () => {
    work.requests += 1
    return datastore.commit(writes)()
  },
})

const build = (mode: Mode, nodes: number): World => {
  const world = new World(1, mode, noFaults, undefined)
  const writer = { node: 'operator', what: 'installation', startedMs: 0 }
  const key = { kind: 'IPPool', name: 'a' } as const
  const pool = { ...poolNamed('a'), cidr: '10.0.0.0/16' }
  const writes: Write[] = [{ op: 'create', key, value: pool }]
  for (let n = 0; n < nodes; n += 1) {
    const name = `n${n}`
    writes.push({ op: 'create', key: { kind: 'Node', name }, value: { name, labels: {} } })
  }
  world.store.apply(writes, writer)
  world.heal()
  return world
}

const add = async (world: World, index: number, node: string): Promise<Work> => {
  const work = { requests: 0, read: 0 }
  const process = new SimulatedProcess(world, {
    place: [index, 1],
    node,
    what: 'ADD',
    requestsMax: 100,
  })
  const { clock, random } = process
  const ipam = createIPAM({ datastore: counted(process.datastore, work), clock, random })
  const handleID = `pod-${index}`
  await ipam.autoAssign({ num4: 1, handleID, host: node, intendedUse: 'Workload' })
  return work
}

/** The dearest of the last pods, whose nodes have a block with room. */
const dearest = async (mode: Mode, nodes: number): Promise<Work> => {
  const world = build(mode, nodes)
  let last: Work = { requests: 0, read: 0 }
  const all = (async () => {
    for (let index = 0; index < nodes * podsPerNode; index += 1) {
      const work = await add(world, index, `n${index % nodes}`)
      if (index < nodes * (podsPerNode - 1)) continue
      last = {
        requests: Math.max(last.requests, work.requests),
        read: Math.max(last.read, work.read),
      }
    }
  })()
  await world.scheduler.run(() => false)
  await all
  return last
}

describe.each(modes)('%s', (mode) => {
  test('an address from a block of the node costs the same in a world a hundred times as large', async () => {
    const small = await dearest(mode, 4)
    expect(small.requests).toBeLessThanOrEqual(mode === 'kubernetes' ? 6 : 4)
    expect(await dearest(mode, 400)).toEqual(small)
  })
})
