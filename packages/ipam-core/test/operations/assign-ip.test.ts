import { describe, expect, test } from 'vitest'
import type { AssignIPRequest } from '../../src/ipam.ts'
import { assignIP } from '../../src/operations/assign-ip.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import {
  affinityFaultsOf,
  blockWith,
  faultsOf,
  ok,
  poolOf,
  put,
  refused,
  tagsOf,
  valuesOf,
  type World,
  type WorldOptions,
  worldOf,
} from './world.ts'

const request = (change: Partial<AssignIPRequest> = {}): AssignIPRequest => ({
  ip: '10.0.0.5',
  handleID: 'h1',
  attrs: { node: 'n1' },
  host: 'n1',
  ...change,
})

const assign = (world: World, change: Partial<AssignIPRequest> = {}): Promise<string> =>
  tagsOf(assignIP(world.deps, request(change)))

describe.each([true, false])('atomic commits: %s', (atomic) => {
  const worldWith = (options: WorldOptions = {}): Promise<World> =>
    worldOf({ atomic, pools: [poolOf('10.0.0.0/28', 30)], ...options })

  const othersBlock = async (world: World, owner: string | undefined): Promise<void> => {
    const { affinity: _, affinityClaimTime: __, ...free } = blockWith('10.0.0.4/30', 'host:n0')
    const value = owner === undefined ? free : blockWith('10.0.0.4/30', `host:${owner}`)
    await put(world, { kind: 'Block', cidr: '10.0.0.4/30' }, value)
  }

  test('claims the block of the address, whatever the other rules say', async () => {
    const world = await worldWith({
      pools: [poolOf('10.0.0.0/28', 30, { nodeSelector: '!all()', assignmentMode: 'Manual' })],
      config: { strictAffinity: true, maxBlocksPerHost: 1, autoAllocateBlocks: false },
      reserved: ['10.0.0.0/28'],
      nodes: [],
    })
    expect(await assign(world, { ip: '10.0.0.1', handleID: 'h0' })).toBe('ok')
    expect(await assign(world)).toBe('ok')
    expect(await affinityFaultsOf(world)).toEqual([])
    expect(await faultsOf(world)).toEqual([])
    const [, block] = await valuesOf(world, 'Block')
    expect(block?.allocations).toEqual([null, 0, null, null])
    expect(block?.unallocated).toEqual([0, 2, 3])
  })

  test('an address that is taken is refused, and the text says which', async () => {
    const world = await worldWith()
    await ok(assignIP(world.deps, request()))
    const refusal = await refused(assignIP(world.deps, request({ handleID: 'h2' })))
    expect(refusal.tag).toBe('AddressInUse')
    expect(refusal.message).toBe(
      'resource already exists: 10.0.0.5 with error: Address already assigned in block',
    )
    expect(await assign(world)).toBe('AddressInUse')
    expect(await faultsOf(world)).toEqual([])
  })

  test('with a limit per handle, asking again for the own address is success', async () => {
    const world = await worldWith()
    const limited = { maxAllocToHandlePerIPVersion: 1 }
    expect(await assign(world, limited)).toBe('ok')
    expect(await assign(world, limited)).toBe('ok')
    const refusal = await refused(assignIP(world.deps, request({ ip: '10.0.0.6', ...limited })))
    expect(refusal).toMatchObject({
      tag: 'HandleLimit',
      message:
        'handle h1 already has IP(s) allocated, cannot assign additional IP 10.0.0.6 (maxAllocPerIPVersion=1)',
    })
    expect(await assign(world, { ip: '10.0.0.6', maxAllocToHandlePerIPVersion: 2 })).toBe('ok')
    expect(await faultsOf(world)).toEqual([])
  })

  test('a handle that counts what it does not hold is put right', async () => {
    const world = await worldWith()
    await put(world, { kind: 'Handle', id: 'h1' }, { id: 'h1', blocks: { '10.0.0.8/30': 1 } })
    expect(await assign(world, { maxAllocToHandlePerIPVersion: 1 })).toBe('ok')
    // Elsewhere somebody may yet make the block: what it counts there is for the handle's release.
    expect(await faultsOf(world)).toEqual(atomic ? [] : ['h1 in 10.0.0.8/30: 1, not undefined'])
    await ok(releaseByHandle(world.deps, 'h1'))
    expect(await faultsOf(world)).toEqual([])
  })

  test.each([
    ['strict, of another', true, 'n2', 'AffinityMismatch'],
    ['strict, of nobody', true, undefined, 'AffinityMismatch'],
    ['strict, own', true, 'n1', 'ok'],
    ['of another', false, 'n2', 'ok'],
    ['of nobody', false, undefined, 'ok'],
  ])('block affinity: %s', async (_, strictAffinity, owner, ended) => {
    const world = await worldWith({ config: { strictAffinity } })
    await othersBlock(world, owner)
    expect(await assign(world)).toBe(ended)
    expect(await faultsOf(world)).toEqual([])
    const [block] = await valuesOf(world, 'Block')
    expect(block?.affinity).toBe(owner === undefined ? undefined : `host:${owner}`)
  })

  test('an interrupted claim of the block is completed, a stale one removed', async () => {
    for (const [owner, left] of [
      ['n1', ['confirmed']],
      ['n2', []],
    ] as const) {
      const world = await worldWith()
      await othersBlock(world, owner)
      const value = { type: 'host', host: 'n1', cidr: '10.0.0.4/30', state: 'pending' } as const
      await put(world, { kind: 'BlockAffinity', ...value }, value)
      expect(await assign(world)).toBe('ok')
      expect((await valuesOf(world, 'BlockAffinity')).map(({ state }) => state)).toEqual(left)
    }
  })

  test('who loses the race for the block takes the address in it', async () => {
    const world = await worldWith()
    const racing = {
      ...world.deps.datastore,
      commit: ((writes, options) => async () => {
        const isClaim = writes.some(({ op, key }) => op === 'create' && key.kind === 'Block')
        if (isClaim) await othersBlock(world, 'n2')
        return world.deps.datastore.commit(writes, options)()
      }) as World['deps']['datastore']['commit'],
    }
    await ok(assignIP({ ...world.deps, datastore: racing }, request()))
    expect((await valuesOf(world, 'Block')).map(({ affinity }) => affinity)).toEqual(['host:n2'])
    expect(await valuesOf(world, 'BlockAffinity')).toEqual([])
    expect(await faultsOf(world)).toEqual([])
  })

  test('addresses kept for the host in a new block are in use', async () => {
    const world = await worldWith()
    const hostReservedAttr = { startOfBlock: 2, endOfBlock: 0, handle: 'keep', note: 'n' }
    expect(await assign(world, { hostReservedAttr })).toBe('AddressInUse')
    expect(await valuesOf(world, 'Block')).toEqual([])
    expect(await assign(world, { hostReservedAttr, ip: '10.0.0.6' })).toBe('ok')
  })

  test('an address that is cooling down is in use', async () => {
    const world = await worldWith({ config: { ipCooldownSeconds: 60 } })
    const resting = { releasedAt: '2026-08-01T09:59:30Z' }
    const block = blockWith('10.0.0.4/30', 'host:n1')
    const value = { ...block, allocations: [null, 0, null, null], unallocated: [0, 2, 3] }
    const key = { kind: 'Block', cidr: block.cidr } as const
    await put(world, key, { ...value, attributes: [resting] })
    expect(await assign(world)).toBe('AddressInUse')
    world.now += 60_000_000_000n
    expect(await assign(world)).toBe('ok')
  })
})

test.each<[string, Partial<AssignIPRequest>, string, string]>([
  ['not an address', { ip: '10.0.0.300' }, 'InvalidRequest', "'10.0.0.300' is not an IP address"],
  ['no host', { host: '' }, 'InvalidRequest', 'host'],
  [
    'in no pool',
    { ip: '10.9.0.1' },
    'AddressNotInPool',
    'The provided IP address is not in a configured pool\n',
  ],
  ['in a disabled pool', { ip: '10.1.0.1' }, 'AddressNotInPool', 'not in a configured pool'],
  [
    'for a use the pool does not allow',
    { intendedUse: 'LoadBalancer' },
    'UseNotAllowed',
    'is in IP pool "pool-10-0-0-0-28", which is not allowed for use "LoadBalancer"',
  ],
])('refused: %s', async (_, change, tag, text) => {
  const pools = [poolOf('10.0.0.0/28', 30), poolOf('10.1.0.0/28', 30, { disabled: true })]
  const world = await worldOf({ pools })
  const refusal = await refused(assignIP(world.deps, request(change)))
  expect(refusal.tag).toBe(tag)
  expect(refusal.message).toContain(text)
  expect(await valuesOf(world, 'Block')).toEqual([])
})

test('IPv6, /128 blocks', async () => {
  const world = await worldOf({ pools: [poolOf('fd00::/64', 128)] })
  expect(await assign(world, { ip: 'fd00::1:2:3' })).toBe('ok')
  expect((await valuesOf(world, 'Block')).map(({ cidr }) => cidr)).toEqual(['fd00::1:2:3/128'])
})
