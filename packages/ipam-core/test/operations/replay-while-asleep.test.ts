/**
 * A request that sleeps before a write, while its replay under the same handle uses what an earlier
 * one had counted: the sleeper must find the replay's address, and not take another one.
 */
import { describe, expect, test } from 'vitest'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Datastore, Write } from '../../src/ports/index.ts'
import {
  faultsOf,
  ok,
  poolOf,
  put,
  assignRequest as request,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

/** Before the n-th write of the handle this happens, and the sleeper knows nothing of it. */
const asleepAt = (
  datastore: Datastore,
  nth: number,
  meanwhile: () => Promise<unknown>,
): Datastore => {
  let count = 0
  const isOfHandle = ({ key }: Write) => key.kind === 'Handle'
  return {
    ...datastore,
    commit: (writes, options) => async () => {
      if (writes.some(isOfHandle)) count += 1
      if (writes.some(isOfHandle) && count === nth) await meanwhile()
      return datastore.commit(writes, options)()
    },
  }
}

const counted = '10.0.0.0/30'
const once = () => request({ maxAllocToHandlePerIPVersion: 1, host: 'n2' })

/** An earlier request has counted an address in a block and died before it took one there. */
const afterADeath = async (atomic: boolean): Promise<World> => {
  const world = await worldOf({ atomic, pools: [poolOf('10.0.0.0/28', 30)], nodes: ['n1', 'n2'] })
  const ofOther = request({ handleID: 'other', host: 'n1', num4: 2 })
  await ok(autoAssign(world.deps, ofOther))
  await put(world, { kind: 'Handle', id: 'h1' }, { id: 'h1', blocks: { [counted]: 1 } })
  return world
}

describe.each([true, false])('atomic commits: %s', (atomic) => {
  test.each([1, 2])('asleep before write %i of the handle', async (nth) => {
    const world = await afterADeath(atomic)
    let replayed: ReadonlyArray<string> = []
    const meanwhile = async () => {
      // The replay uses the count where it stands: on the node that owns the block.
      const got = await ok(autoAssign(world.deps, { ...once(), host: 'n1' }))
      replayed = got.v4?.ips ?? []
    }
    const datastore = asleepAt(world.deps.datastore, nth, meanwhile)
    const slept = await ok(autoAssign({ ...world.deps, datastore }, once()))
    expect(await faultsOf(world)).toEqual([])
    const held = (await valuesOf(world, 'Handle')).find(({ id }) => id === 'h1')
    expect(Object.values(held?.blocks ?? {})).toEqual([1])
    const address = (cidr: string | undefined) => cidr?.replace(/\/.*/, '')
    if (replayed.length > 0) expect(address(slept.v4?.ips[0])).toBe(address(replayed[0]))
  })
})
