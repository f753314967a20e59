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

describe('two containers of the pod that start at once', () => {
  const elsewhere = { ...conf, nodename: 'node-2' }
  const inOrder = [true, false]

  test.each(inOrder)('one address per family in the end (atomic: %s)', async (atomic) => {
    const world = await fixedWorld(undefined, { atomic })
    const both = await Promise.all([start(world), start(world, { conf: elsewhere })])
    for (const { code, document } of both) {
      if (code !== 0) expect(document.msg).toContain('started at the same time')
    }
    const [one] = both.filter(({ code }) => code === 0)
    const next = await start(world)
    if (one !== undefined) expect(next.ips).toEqual(one.ips)
    expect(next.ips).toEqual(await heldIPs(world))
    expect(await world.held()).toEqual({ [handle]: 2 })
  })

  /** The second one starts just before the n-th write of the first, and ends before it. */
  const overtaken = async (nth: number, configMap?: object) => {
    const world = await fixedWorld(configMap, { atomic: false })
    let writes = 0
    let faster: Awaited<ReturnType<typeof start>> | undefined
    world.beforeWrite = async () => {
      writes += 1
      if (writes !== nth + 1) return
      world.beforeWrite = async () => {}
      faster = await start(world, { conf: elsewhere })
    }
    return { world, slower: await start(world), faster }
  }

  test.each<[string, object | undefined]>([
    ['any', undefined],
    ['a pinned one', record({ 'redis-0-ipv4': wish })],
  ])('one that overtakes the other between two writes keeps what it has: %s', async (_, pins) => {
    for (let nth = 0; nth < 12; nth += 1) {
      const { world, slower, faster } = await overtaken(nth, pins)
      if (faster?.code === 0 && slower.code === 0) expect(slower.ips).toEqual(faster.ips)
      if (slower.code !== 0) {
        expect(slower.document.msg).toContain('started at the same time')
        expect(await heldIPs(world)).toEqual(faster?.ips)
      }
      expect(await world.held()).toEqual({ [handle]: 2 })
      expect((await start(world)).ips).toEqual(faster?.ips ?? slower.ips)
      if (faster === undefined) return
    }
    throw new Error('never done')
  })

  test('one that is overtaken between two writes, and then killed, leaves nothing that is lost', async () => {
    for (let nth = 0; nth < 12; nth += 1) {
      const world = await fixedWorld(undefined, { atomic: false })
      let writes = 0
      let isOvertaken = false
      world.beforeWrite = async () => {
        writes += 1
        if (writes === nth + 1) {
          const { beforeWrite } = world
          world.beforeWrite = async () => {}
          await start(world, { conf: elsewhere })
          isOvertaken = true
          world.beforeWrite = beforeWrite
        } else if (isOvertaken) throw new Error('killed')
      }
      await start(world)
      world.beforeWrite = async () => {}
      const inBlocks = (await heldBy(world, handle)).size
      expect(await heldIPs(world)).toHaveLength(inBlocks)
      await start(world)
      expect(await world.held()).toEqual({ [handle]: 2 })
      if (!isOvertaken) return
    }
    throw new Error('never done')
  })
})

test('the old address cannot be given back: both stay, and the next start ends it', async () => {
  const { world, v4, v6 } = await edited({ 'redis-0-ipv4': wish })
  const [old] = [...(await heldBy(world, handle)).keys()]
  const cidr = old?.split('#')[0]
  let writes = 0
  world.failWrites = ({ key }) => {
    if (key.kind !== 'Block' || key.cidr !== cidr) return false
    // The take-over is written; what comes after is not.
    writes += 1
    return writes > 1
  }
  expect((await start(world)).code).not.toBe(0)
  expect((await heldIPs(world)).toSorted()).toEqual([v4, v6, wish].toSorted())
  world.failWrites = () => false
  expect((await start(world)).ips).toEqual([wish, v6])
  expect(await heldIPs(world)).toEqual([wish, v6])
})

test('a family that cannot be had: the other one stays the identity’s, held by nobody', async () => {
  const { world, v4 } = await edited({})
  await createIPAM({ datastore: world.datastore }).releaseByHandle(handle)
  world.kubernetes.set(recordPath, record({ 'redis-0-ipv4': v4 }))
  const first = await start(world, { conf: v4Only })
  await stop(world, first.id)
  world.kubernetes.set(recordPath, record({ 'redis-0-ipv4': v4, 'redis-0-ipv6': '2001:db8::1' }))
  expect((await start(world)).document.code).toBe(101)
  const states = [...(await heldBy(world, handle)).values()]
  expect(states.map((state) => state?.holder)).toEqual([undefined])
  expect(await heldIPs(world)).toEqual([v4])
})

test('another pod of the set is not concerned', async () => {
  const { world } = await edited({ 'redis-1-ipv4': wish })
  expect((await start(world)).ips[0]).not.toBe(wish)
  expect((await start(world, { pod: 'redis-1' })).ips[0]).toBe(wish)
})
