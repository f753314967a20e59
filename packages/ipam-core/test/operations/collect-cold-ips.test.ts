import { expect, test } from 'vitest'
import { defaultIPAMConfig } from '../../src/model/ipam-config.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { garbageCollectColdIPs } from '../../src/operations/collect-cold-ips.ts'
import { releaseBlockAffinity } from '../../src/operations/release-affinity.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { datastoreError } from '../../src/ports/index.ts'
import {
  assignRequest,
  faultsOf,
  ok,
  poolOf,
  put,
  second,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const pools = [poolOf('10.0.0.0/28', 28), poolOf('fd00::/124', 124)]

/** One address of each family was released; the cooldown is 30 seconds. */
const cooling = async (): Promise<World> => {
  const world = await worldOf({ pools, config: { ipCooldownSeconds: 30 } })
  await ok(autoAssign(world.deps, assignRequest({ num6: 1 })))
  await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
  await ok(releaseByHandle(world.deps, 'h1'))
  world.calls.length = 0
  return world
}
const writes = (world: World) => world.calls.filter((call) => call.tag === 'Commit').length

test('addresses that rest stay as they are', async () => {
  const world = await cooling()
  world.now += 29n * second
  expect(await ok(garbageCollectColdIPs(world.deps))).toEqual([])
  expect(writes(world)).toBe(0)
})

test('cold ones return to the tail of the queue, each block in one write', async () => {
  const world = await cooling()
  world.now += 32n * second
  expect(await ok(garbageCollectColdIPs(world.deps))).toEqual(['10.0.0.0', 'fd00::'])
  expect(writes(world)).toBe(2)
  const blocks = await valuesOf(world, 'Block')
  expect(blocks.map((one) => one.unallocated.at(-1))).toEqual([0, 0])
  expect(blocks.map((one) => one.attributes.length)).toEqual([1, 0])
  expect(await faultsOf(world)).toEqual([])
  expect(await ok(garbageCollectColdIPs(world.deps))).toEqual([])
  expect(writes(world)).toBe(2)
})

test('a cooldown that was switched off frees at once', async () => {
  const world = await cooling()
  await put(world, { kind: 'IPAMConfig' }, defaultIPAMConfig)
  expect(await ok(garbageCollectColdIPs(world.deps))).toHaveLength(2)
})

test('a block of nobody that holds nothing more goes', async () => {
  const world = await cooling()
  await ok(releaseBlockAffinity(world.deps, 'fd00::/124', { mustBeEmpty: false }))
  expect(await valuesOf(world, 'Block')).toHaveLength(2)
  world.now += 32n * second
  await ok(garbageCollectColdIPs(world.deps))
  expect((await valuesOf(world, 'Block')).map((one) => one.cidr)).toEqual(['10.0.0.0/28'])
})

test('a block that somebody writes is left to them; the others are done', async () => {
  const world = await cooling()
  world.now += 32n * second
  const { datastore } = world.deps
  let isFirst = true
  const commit = ((...args) =>
    async () => {
      if (isFirst)
        await ok(autoAssign({ ...world.deps, datastore }, assignRequest({ handleID: 'h3' })))
      isFirst = false
      return datastore.commit(...args)()
    }) as typeof datastore.commit
  const deps = { ...world.deps, datastore: { ...datastore, commit } }
  expect(await ok(garbageCollectColdIPs(deps))).toEqual(['fd00::'])
  expect(await faultsOf(world)).toEqual([])
})

test('one block that cannot be written does not keep the others, and is told', async () => {
  const world = await cooling()
  world.now += 32n * second
  const { datastore } = world.deps
  let isFirst = true
  const commit = ((...args) =>
    async () => {
      if (!isFirst) return datastore.commit(...args)()
      isFirst = false
      const error = datastoreError('Unauthorized', 'forbidden')
      return { _tag: 'Left', left: { error, applied: [], current: [] } }
    }) as typeof datastore.commit
  const result = await garbageCollectColdIPs({
    ...world.deps,
    datastore: { ...datastore, commit },
  })()
  expect(result).toMatchObject({ left: { error: { tag: 'Unauthorized' } } })
  expect((await valuesOf(world, 'Block')).map((one) => one.attributes.length)).toEqual([2, 0])
})
