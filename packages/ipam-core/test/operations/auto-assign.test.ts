import { describe, expect, test } from 'vitest'
import type { AutoAssignRequest, AutoAssignResult } from '../../src/ipam.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import {
  affinityFaultsOf,
  blockWith,
  faultsOf,
  ok,
  poolOf,
  put,
  refused,
  remove,
  assignRequest as request,
  second,
  startOfTime,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const assign = async (world: World, change: Partial<AutoAssignRequest> = {}) =>
  (await ok(autoAssign(world.deps, request(change)))).v4

/** Everything the pool has goes to n1, one handle `f0`, `f1`, ... per address. */
const fill = async (world: World, change: Partial<AutoAssignRequest> = {}): Promise<number> => {
  for (let i = 0; i < 5000; i += 1) {
    const got = await assign(world, { handleID: `f${i}`, ...change })
    if (got?.ips.length === 0) return i
  }
  throw new Error('never full')
}

describe('results', () => {
  test('IPv4 and IPv6, each with the prefix length of its block', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/26', 26), poolOf('fd00::/122', 122)] })
    const got = await ok(autoAssign(world.deps, request({ num4: 2, num6: 1 })))
    expect(got).toEqual({
      v4: { ips: ['10.0.0.0/26', '10.0.0.1/26'], numRequested: 2, messages: [] },
      v6: { ips: ['fd00::/122'], numRequested: 1, messages: [] },
    })
    expect(await valuesOf(world, 'Handle')).toEqual([
      { id: 'h1', blocks: { '10.0.0.0/26': 2, 'fd00::/122': 1 } },
    ])
  })

  test('a family not requested is absent; nothing requested reads nothing', async () => {
    const world = await worldOf()
    expect(await ok(autoAssign(world.deps, request({ num4: 0 })))).toEqual({})
    expect(world.calls).toEqual([])
  })

  test('a request may span blocks; handles count what was taken, not what was asked', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/24', 26)] })
    const got = await assign(world, { num4: 256 })
    expect(new Set(got?.ips).size).toBe(256)
    expect(Object.values((await valuesOf(world, 'Handle'))[0]?.blocks ?? {})).toEqual([
      64, 64, 64, 64,
    ])
    expect(await faultsOf(world)).toEqual([])
  })

  test('without a handle there is no handle object', async () => {
    const world = await worldOf()
    const { handleID: _, ...anonymous } = request()
    await ok(autoAssign(world.deps, anonymous))
    expect(await valuesOf(world, 'Handle')).toEqual([])
    expect((await valuesOf(world, 'Block'))[0]?.attributes).toEqual([{ secondary: { node: 'n1' } }])
  })

  test('the stored block is what Calico reads', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/30', 30)] })
    await assign(world)
    const [block] = await valuesOf(world, 'Block')
    const sequence = block?.sequenceNumberForAllocation['0'] as bigint
    expect(sequence).toBeGreaterThanOrEqual(startOfTime)
    expect(block).toEqual({
      cidr: '10.0.0.0/30',
      affinity: 'host:n1',
      affinityClaimTime: '2026-08-01T10:00:00Z',
      allocations: [0, null, null, null],
      unallocated: [1, 2, 3],
      attributes: [{ handleID: 'h1', secondary: { node: 'n1' } }],
      sequenceNumber: sequence + 1n,
      sequenceNumberForAllocation: { '0': sequence },
    })
    expect(await valuesOf(world, 'BlockAffinity')).toEqual([
      { type: 'host', host: 'n1', cidr: '10.0.0.0/30', state: 'confirmed' },
    ])
  })

  test('load balancer addresses belong to a virtual owner and need no node', async () => {
    const pool = poolOf('10.0.0.0/26', 26, { allowedUses: ['LoadBalancer'] })
    const world = await worldOf({ pools: [pool], nodes: [] })
    await assign(world, { intendedUse: 'LoadBalancer', host: 'anything' })
    expect((await valuesOf(world, 'Block'))[0]?.affinity).toBe('virtual:load-balancer')
  })
})

describe('refusals', () => {
  test.each<[string, Partial<AutoAssignRequest>, string, string]>([
    ['no use', { intendedUse: '' as never }, 'UseRequired', 'must specify the intended use'],
    ['unknown node', { host: 'n9' }, 'NodeMissing', 'Node(n9)'],
    ['no host', { host: '' }, 'InvalidRequest', 'host'],
    ['a negative count', { num4: -1 }, 'InvalidRequest', 'negative'],
    ['half an address', { num4: 0.5 }, 'InvalidRequest', 'whole'],
    [
      'an unknown pool',
      { ipv4Pools: ['10.9.0.0/24'] },
      'PoolNotUsable',
      'the given pool (10.9.0.0/24) does not exist, or is not enabled',
    ],
    [
      'a pool of the other family',
      { ipv4Pools: ['fd00::/64'] },
      'InvalidRequest',
      'provided IPv4 IPPools list contains one or more IPv6 IPPools',
    ],
    [
      'another use',
      { intendedUse: 'LoadBalancer' },
      'NoQualifiedPool',
      'cannot find a qualified ippool, no pools match the required use (LoadBalancer)',
    ],
    [
      'more than the handle may hold',
      { num4: 2, maxAllocToHandlePerIPVersion: 1 },
      'HandleLimit',
      'maxAlloc=1',
    ],
  ])('%s', async (_, change, tag, text) => {
    const world = await worldOf()
    const refusal = await refused(autoAssign(world.deps, request(change)))
    expect(refusal.tag).toBe(tag)
    expect(refusal.message).toContain(text)
    expect(world.calls.filter((call) => call.tag === 'Commit')).toEqual([])
  })

  test('a missing IPv6 pool takes no IPv4 address', async () => {
    const world = await worldOf()
    const refusal = await refused(autoAssign(world.deps, request({ num6: 1 })))
    expect(refusal.message).toBe('cannot find a qualified ippool: no IPv6 pool is enabled')
    expect(await valuesOf(world, 'Block')).toEqual([])
  })

  test('autoAllocateBlocks off: only blocks the host has', async () => {
    const world = await worldOf({ config: { strictAffinity: true, autoAllocateBlocks: false } })
    const refusal = await refused(autoAssign(world.deps, request()))
    expect(refusal).toMatchObject({
      tag: 'AutoAllocateDisabled',
      message: 'failed to find or claim a block',
      details: { partial: { v4: { ips: [], numRequested: 1 } } },
    })
  })
})

describe('block limit', () => {
  test.each([
    ['configuration', { config: { strictAffinity: true, maxBlocksPerHost: 2 } }, {}, 2],
    ['request', {}, { maxBlocksPerHost: 1 }, 1],
    [
      'the smaller',
      { config: { strictAffinity: true, maxBlocksPerHost: 3 } },
      { maxBlocksPerHost: 2 },
      2,
    ],
    ['the default', { limits: { blocksPerHostMaxDefault: 3 } }, {}, 3],
  ])('%s', async (_, options, change, limit) => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/24', 30)], ...options })
    const refusal = await refused(autoAssign(world.deps, request({ num4: 20, ...change })))
    expect(refusal.tag).toBe('BlockLimit')
    expect(refusal.message).toBe('cannot allocate new block due to per host block limit')
    const message = `Need to allocate an IPAM block but could not - limit of ${limit} blocks reached for this node`
    const partial = refusal.details?.partial as AutoAssignResult
    expect(partial.v4?.ips).toHaveLength(limit * 4)
    expect(partial.v4?.messages).toEqual([message])
    expect(await valuesOf(world, 'Block')).toHaveLength(limit)
    expect(await faultsOf(world)).toEqual([])
  })

  test('an address in an own block needs no new block', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/24', 30)] })
    await assign(world, { maxBlocksPerHost: 1 })
    expect((await assign(world, { maxBlocksPerHost: 1, handleID: 'h2' }))?.ips).toHaveLength(1)
  })
})

describe('when no block is free', () => {
  const crowded = async (options: Parameters<typeof worldOf>[0] = {}): Promise<World> => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/28', 30)], ...options })
    for (const host of ['n2', 'n3']) {
      await assign(world, { host, num4: 5, handleID: `of-${host}` })
    }
    return world
  }

  test('strict affinity: nothing, and the message', async () => {
    const world = await crowded({ config: { strictAffinity: true } })
    expect(await assign(world, { num4: 2 })).toEqual({
      ips: [],
      numRequested: 2,
      messages: ['No more free affine blocks and strict affinity enabled'],
    })
    expect((await valuesOf(world, 'Handle')).map(({ id }) => id)).toEqual(['of-n2', 'of-n3'])
  })

  test('else single addresses of others; their affinity stays', async () => {
    const world = await crowded()
    const got = await assign(world, { num4: 3 })
    expect(got?.ips).toHaveLength(3)
    expect((await valuesOf(world, 'Block')).map(({ affinity }) => affinity)).not.toContain(
      'host:n1',
    )
    expect((await valuesOf(world, 'BlockAffinity')).filter(({ host }) => host === 'n1')).toEqual([])
    expect(await faultsOf(world)).toEqual([])
  })

  test('until there are none, pool after pool', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/29', 30), poolOf('10.1.0.0/30', 30)] })
    expect(await fill(world, { host: 'n2' })).toBe(12)
    expect(await assign(world)).toEqual({
      ips: [],
      numRequested: 1,
      messages: ['No IPs available in pools: [10.0.0.0/29 10.1.0.0/30]'],
    })
  })

  test('pools are used up one after the other', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/29', 30), poolOf('10.1.0.0/29', 30)] })
    const got = await assign(world, { num4: 16 })
    expect(got?.ips.map((ip) => ip.slice(0, 4))).toEqual([
      ...Array<string>(8).fill('10.0'),
      ...Array<string>(8).fill('10.1'),
    ])
  })

  test('a block nobody owns is borrowed from, not claimed', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/30', 30)] })
    const { affinity: _, affinityClaimTime: __, ...free } = blockWith('10.0.0.0/30', 'host:n2')
    await put(world, { kind: 'Block', cidr: free.cidr }, free)
    expect((await assign(world))?.ips).toEqual(['10.0.0.0/30'])
    expect((await valuesOf(world, 'Block'))[0]?.affinity).toBe(undefined)
  })
})

describe('empty blocks of others', () => {
  const emptyOf = async (world: World, host: string, ageSeconds: bigint | undefined) => {
    const now = startOfTime - (ageSeconds ?? 0n) * second
    const { affinityClaimTime, ...block } = blockWith('10.0.0.0/30', `host:${host}`, now)
    const claimed =
      ageSeconds === undefined ? {} : { affinityClaimTime: affinityClaimTime as string }
    await put(world, { kind: 'Block', cidr: block.cidr }, { ...block, ...claimed })
    const affinity = { type: 'host', host, cidr: block.cidr, state: 'confirmed' } as const
    await put(world, { kind: 'BlockAffinity', ...affinity }, affinity)
  }

  test.each<[string, bigint | undefined, boolean, string]>([
    ['claimed a minute ago', 61n, true, 'host:n1'],
    ['claimed a minute ago, not atomic', 61n, false, 'host:n1'],
    ['claimed nobody knows when', undefined, true, 'host:n1'],
    ['claimed half a minute ago', 30n, true, 'host:n2'],
  ])('%s', async (_, age, atomic, owner) => {
    const world = await worldOf({ atomic, pools: [poolOf('10.0.0.0/30', 30)] })
    await emptyOf(world, 'n2', age)
    expect((await assign(world))?.ips).toHaveLength(1)
    expect((await valuesOf(world, 'Block'))[0]?.affinity).toBe(owner)
    expect(await affinityFaultsOf(world)).toEqual([])
    expect((await valuesOf(world, 'BlockAffinity')).map(({ host }) => `host:${host}`)).toEqual([
      owner,
    ])
  })

  test('also where the owner left no affinity', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/30', 30)] })
    await emptyOf(world, 'n2', 61n)
    await remove(world, { kind: 'BlockAffinity', type: 'host', host: 'n2', cidr: '10.0.0.0/30' })
    await assign(world)
    expect(await affinityFaultsOf(world)).toEqual([])
    expect((await valuesOf(world, 'Block'))[0]?.affinity).toBe('host:n1')
  })

  test('not while a free candidate is left', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/29', 30)] })
    await emptyOf(world, 'n2', 61n)
    await assign(world, { num4: 4 })
    expect((await valuesOf(world, 'Block')).map(({ affinity }) => affinity)).toEqual([
      'host:n2',
      'host:n1',
    ])
  })
})

describe('reservations', () => {
  test('reserved addresses are skipped, reserved blocks not claimed', async () => {
    const reserved = ['10.0.0.0/30', ' 10.0.0.4 ', '10.0.0.8/31', '10.0.0.10/31', 'nonsense']
    const world = await worldOf({ pools: [poolOf('10.0.0.0/28', 30)], reserved })
    const got = await assign(world, { num4: 16 })
    const last = (text: string): number => Number(text.split('/')[0]?.split('.')[3])
    expect(got?.ips.map(last).sort((a, b) => a - b)).toEqual([5, 6, 7, 12, 13, 14, 15])
    expect((await valuesOf(world, 'Block')).map(({ cidr }) => cidr).sort()).toEqual([
      '10.0.0.12/30',
      '10.0.0.4/30',
    ])
  })

  test('a reservation of 2^64 addresses is stepped over', async () => {
    const pools = [poolOf('fd00::/48', 122)]
    const world = await worldOf({ pools, reserved: ['fd00::/49', 'fd00:0:0:8001::/64'] })
    const got = await ok(autoAssign(world.deps, request({ num4: 0, num6: 1 })))
    expect(got.v6?.ips).toHaveLength(1)
    const all = await worldOf({ pools, reserved: ['fd00::/48'] })
    const none = await ok(autoAssign(all.deps, request({ num4: 0, num6: 1 })))
    expect(none.v6?.messages).toEqual(['No IPs available in pools: [fd00::/48]'])
  })

  test('addresses at both ends of a new block for the host', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/29', 29)] })
    const hostReservedAttrIPv4s = {
      startOfBlock: 3,
      endOfBlock: 1,
      handle: 'windows-reserved-ipam-handle',
      note: 'windows host rsvd',
    }
    const got = await assign(world, { num4: 8, hostReservedAttrIPv4s })
    expect(got?.ips).toEqual(['10.0.0.3/29', '10.0.0.4/29', '10.0.0.5/29', '10.0.0.6/29'])
    expect(got?.hostReservedAttr).toBe(hostReservedAttrIPv4s)
    expect(await faultsOf(world)).toEqual([])
  })
})

describe('blocks of pools that no longer select the host', () => {
  test.each([
    ['empty', 0, 1],
    ['in use', 1, 2],
  ])('%s', async (_, held, left) => {
    const old = poolOf('10.1.0.0/30', 30)
    const world = await worldOf({ pools: [old, poolOf('10.2.0.0/30', 30)] })
    await assign(world, { ipv4Pools: ['10.1.0.0/30'] })
    if (held === 0) {
      const block = blockWith('10.1.0.0/30', 'host:n1')
      await put(world, { kind: 'Block', cidr: block.cidr }, block)
    }
    await put(world, { kind: 'IPPool', name: old.name }, { ...old, nodeSelector: "host == 'n2'" })
    expect((await assign(world, { handleID: 'h2' }))?.ips).toEqual(['10.2.0.0/30'])
    expect(await valuesOf(world, 'Block')).toHaveLength(left)
    expect(await valuesOf(world, 'BlockAffinity')).toHaveLength(left)
  })
})
