// A record that differs from what the identity has is a wish for another address.
import { createIPAM } from '@hc-calico/ipam-core'
import { describe, expect, test } from 'vitest'
import type { World } from '../world.ts'
import {
  conf,
  firstVersion,
  fixedWorld,
  handleOf,
  heldBy,
  ours,
  record,
  recorded,
  recordPath,
  start,
  stop,
  v4Only,
} from './fixed-world.ts'

const handle = handleOf('redis-0')
const wish = '10.244.7.7'

/** A pod that has been started and stopped, and a record that a person edited meanwhile. */
const edited = async (data: object, metadata: object = ours) => {
  const world = await fixedWorld()
  const first = await start(world)
  await stop(world, first.id)
  const [v4 = '', v6 = ''] = first.ips
  const written = { 'redis-0-ipv4': v4, 'redis-0-ipv6': v6, ...data }
  world.kubernetes.set(recordPath, record(written, metadata))
  return { world, v4, v6 }
}

const occupy = async (world: World, ip: string): Promise<void> => {
  const ipam = createIPAM({ datastore: world.datastore })
  await ipam.assignIP({ ip, handleID: 'somebody', host: 'node-1' })
}

const heldIPs = (world: World) => createIPAM({ datastore: world.datastore }).ipsByHandle(handle)

test('the next start has the new address, and the old one is free', async () => {
  const { world, v4, v6 } = await edited({ 'redis-0-ipv4': wish })
  const { id, ips } = await start(world)
  expect(ips).toEqual([wish, v6])
  expect(await heldIPs(world)).toEqual([wish, v6])
  const states = [...(await heldBy(world, handle)).values()]
  expect(states.map((state) => state?.holder?.id)).toEqual(
    [1, 2].map(() => `k8s-pod-network.${id}`),
  )
  await occupy(world, v4)
  await stop(world, id)
  expect((await start(world)).ips).toEqual([wish, v6])
  expect(recorded(world).data['redis-0-ipv4']).toBe(wish)
})

test('both families at once', async () => {
  const data = { 'redis-0-ipv4': wish, 'redis-0-ipv6': 'fd80:24e2::77' }
  const { world } = await edited(data)
  expect((await start(world)).ips).toEqual([wish, 'fd80:24e2::77'])
  expect(await world.held()).toEqual({ [handle]: 2 })
  expect(recorded(world).data).toEqual(data)
})

test('an entry that was taken out is written again: the identity has its address', async () => {
  const { world, v4, v6 } = await edited({ 'redis-0-ipv4': '' })
  expect((await start(world)).ips).toEqual([v4, v6])
  expect(recorded(world).data['redis-0-ipv4']).toBe(v4)
})

describe('an address that cannot be had: the pod keeps what it has', () => {
  const cases: ReadonlyArray<[string, string]> = [
    ['somebody has it', wish],
    ['it is in no pool', '192.168.1.1'],
    ['its pool is disabled', '10.8.0.8'],
    ['it is no address', 'ten'],
  ]
  test.each(cases)('%s', async (_, asked) => {
    const { world, v4, v6 } = await edited({ 'redis-0-ipv4': asked })
    await occupy(world, wish)
    const { code, ips } = await start(world)
    expect([code, ips]).toEqual([0, [v4, v6]])
    expect(await heldIPs(world)).toEqual([v4, v6])
    // It stays a wish, and is tried with every start.
    expect(recorded(world).data['redis-0-ipv4']).toBe(asked)
  })

  test.each(cases)('a leftover of the first version does not stay: %s', async (_, asked) => {
    const { world, v4, v6 } = await edited({ 'redis-0-ipv4': asked }, firstVersion)
    await occupy(world, wish)
    expect((await start(world)).ips).toEqual([v4, v6])
    expect(recorded(world).data['redis-0-ipv4']).toBe(v4)
  })

  test('as soon as it can be had, the next start has it', async () => {
    const { world, v6 } = await edited({ 'redis-0-ipv4': wish })
    await occupy(world, wish)
    const before = await start(world)
    await stop(world, before.id)
    await createIPAM({ datastore: world.datastore }).releaseByHandle('somebody')
    expect((await start(world)).ips).toEqual([wish, v6])
  })
})

test('a pod that is not of that family any more keeps the other address for later', async () => {
  const { world, v4, v6 } = await edited({})
  expect((await start(world, { conf: v4Only })).ips).toEqual([v4])
  expect(await heldIPs(world)).toEqual([v4, v6])
})

describe('killed between any two writes', () => {
  /** The datastore dies after so many writes: the process sees no more answers. */
  const dying = (world: World, writesMax: number) => {
    let writes = 0
    world.failWrites = () => {
      writes += 1
      return writes > writesMax
    }
  }

  test('the next start has what the record asks for, once', async () => {
    for (let writes = 0; writes < 12; writes += 1) {
      const { world, v6 } = await edited({ 'redis-0-ipv4': wish })
      dying(world, writes)
      const first = await start(world)
      world.failWrites = () => false
      const next = await start(world)
      expect(next.ips).toEqual([wish, v6])
      expect(await heldIPs(world)).toEqual([wish, v6])
      expect(await world.held()).toEqual({ [handle]: 2 })
      if (first.code === 0) return
    }
    throw new Error('never done')
  })

  test('and where the record cannot be read then, the pod starts with one address of each family', async () => {
    for (let writes = 0; writes < 12; writes += 1) {
      const { world } = await edited({ 'redis-0-ipv4': wish })
      dying(world, writes)
      const first = await start(world)
      world.failWrites = () => false
      const told = world.kubernetes.get(recordPath)
      world.kubernetes.set(recordPath, 500)
      const before = await world.held()
      const next = await start(world)
      // What it asks for is not to be guessed, so nothing is given back.
      expect(await world.held()).toEqual(before)
      expect([next.code, next.ips.length]).toEqual([0, 2])
      world.kubernetes.set(recordPath, told as object)
      await stop(world, next.id)
      expect((await start(world)).ips[0]).toBe(wish)
      expect(await world.held()).toEqual({ [handle]: 2 })
      if (first.code === 0) return
    }
    throw new Error('never done')
  })
})

test('two containers of the pod that start at once end with one address per family', async () => {
  const world = await fixedWorld()
  const both = await Promise.all([start(world), start(world)])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect(await world.held()).toEqual({ [handle]: 2 })
  expect((await start(world)).ips).toEqual(await heldIPs(world))
  const [one] = both
  expect(recorded(world).data['redis-0-ipv4']).toBe(one?.ips[0])
})

test('a start that overtakes another between two writes leaves no address that nobody finds', async () => {
  const world = await fixedWorld(undefined, { atomic: false })
  let overtaking: Promise<unknown> | undefined
  world.beforeWrite = async ({ key, op }) => {
    // The first start has counted in the handle; its block is not written yet.
    if (overtaking !== undefined || key.kind !== 'Block' || op !== 'create') return
    overtaking = start(world, { conf: { ...conf, nodename: 'node-2' } })
    await overtaking
  }
  const { code } = await start(world)
  expect(code).toBe(0)
  const all = await world.held()
  expect((await start(world)).ips).toEqual(await heldIPs(world))
  expect(all).toEqual({ [handle]: 2 })
})

test('another pod of the set is not concerned', async () => {
  const { world } = await edited({ 'redis-1-ipv4': wish })
  expect((await start(world)).ips[0]).not.toBe(wish)
  expect((await start(world, { pod: 'redis-1' })).ips[0]).toBe(wish)
})
