/**
 * The checkers of the simulation on what a real datastore holds: everything stored is entered into a
 * simulated store, object by object, beside who may count on which address.
 */
import type { Datastore, KeyValue, Write } from '@hc-calico/ipam-core/ports'
import { judgeAffinities } from '../checkers/affinities.ts'
import { judgeBlock } from '../checkers/blocks.ts'
import { judgeQuiet } from '../checkers/quiet.ts'
import { noFaults } from '../faults.ts'
import { simulationOf } from '../simulation.ts'
import type { Claims } from '../truth/claims.ts'
import { type Violation, World } from '../world.ts'

/** What is wrong with what is stored; nobody is at work any more. */
export const judgeStored = async (
  datastore: Datastore,
  claims: Claims,
): Promise<ReadonlyArray<Violation>> => {
  const read = await datastore.read([
    { list: 'IPPool' },
    { list: 'Block' },
    { list: 'BlockAffinity' },
    { list: 'Handle' },
  ])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  const world = new World(0, 'etcd', noFaults, undefined)
  const simulation = { ...simulationOf(world, []), claims }
  const stored = read.right.flat() as ReadonlyArray<KeyValue>
  const writes = stored.map(({ key, value }) => ({ op: 'create', key, value }) as Write)
  world.store.onChange((changes) => {
    for (const change of changes) judgeBlock(simulation, change)
    judgeAffinities(simulation, changes)
  })
  world.store.apply(writes, { node: 'test', what: 'what is stored', startedMs: 0 })
  judgeQuiet(simulation)
  return world.violations
}
