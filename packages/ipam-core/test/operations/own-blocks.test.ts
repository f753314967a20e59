import { describe, expect, test } from 'vitest'
import { allocated } from '../../src/decisions/block-changes.ts'
import type { AffinityState } from '../../src/model/block-affinity.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import {
  affinityFaultsOf,
  blockWith,
  faultsOf,
  ok,
  poolOf,
  put,
  assignRequest as request,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const first = '10.0.0.0/30'
const second = '10.0.0.4/30'

const affinity = async (world: World, cidr: string, state: AffinityState, host = 'n1') => {
  const value = { type: 'host', host, cidr, state, unknownFields: { later: 1 } } as const
  await put(world, { kind: 'BlockAffinity', type: 'host', host, cidr }, value)
}

/** A block with its first addresses in use. */
const block = async (world: World, cidr: string, owner: string | undefined, inUse = 0) => {
  const { affinity: _, affinityClaimTime: __, ...free } = blockWith(cidr, 'host:n0')
  const value = owner === undefined ? free : blockWith(cidr, `host:${owner}`)
  const ordinals = Array.from({ length: inUse }, (_, i) => i)
  const taken = inUse === 0 ? value : allocated(value, ordinals, { handleID: 'old' })
  await put(world, { kind: 'Block', cidr }, taken)
}

const ip = async (world: World): Promise<string | undefined> =>
  (await ok(autoAssign(world.deps, request()))).v4?.ips[0]

const stateOf = async (world: World, cidr: string): Promise<AffinityState | undefined> =>
  (await valuesOf(world, 'BlockAffinity')).find((one) => one.cidr === cidr)?.state

describe.each([true, false])('atomic commits: %s', (atomic) => {
  const twoBlocks = () => worldOf({ atomic, pools: [poolOf('10.0.0.0/29', 30)] })

  test('the first own block with room, in list order', async () => {
    const world = await twoBlocks()
    await affinity(world, first, 'confirmed')
    await affinity(world, second, 'confirmed')
    await block(world, first, 'n1', 4)
    await block(world, second, 'n1', 1)
    expect(await ip(world)).toBe('10.0.0.5/30')
  })

  test('an affinity without a state is a confirmed one of old', async () => {
    const world = await twoBlocks()
    await affinity(world, first, '')
    await block(world, first, 'n1', 1)
    expect(await ip(world)).toBe('10.0.0.1/30')
    expect(await stateOf(world, first)).toBe('')
  })

  test.each<[AffinityState]>([['pending'], ['pendingDeletion']])(
    '%s with addresses in use: confirmed at once, its block rewritten',
    async (state) => {
      const world = await twoBlocks()
      await affinity(world, first, state)
      await affinity(world, second, 'confirmed')
      await block(world, first, 'n1', 4)
      await block(world, second, 'n1')
      const [before] = await valuesOf(world, 'Block')
      expect(await ip(world)).toBe('10.0.0.4/30')
      const [after] = await valuesOf(world, 'Block')
      expect(after?.sequenceNumber).toBe((before?.sequenceNumber as bigint) + 1n)
      expect(await affinityFaultsOf(world)).toEqual([])
      const [kept] = await valuesOf(world, 'BlockAffinity')
      expect(kept?.unknownFields).toEqual({ later: 1 })
    },
  )

  test('pendingDeletion and empty: left alone while another block has room', async () => {
    const world = await twoBlocks()
    await affinity(world, first, 'pendingDeletion')
    await affinity(world, second, 'confirmed')
    await block(world, first, 'n1')
    await block(world, second, 'n1', 1)
    expect(await ip(world)).toBe('10.0.0.5/30')
    expect(await stateOf(world, first)).toBe('pendingDeletion')
  })

  test.each<[AffinityState]>([['pending'], ['pendingDeletion']])(
    '%s and empty: confirmed when it is the only one',
    async (state) => {
      const world = await twoBlocks()
      await affinity(world, first, state)
      await block(world, first, 'n1')
      expect(await ip(world)).toBe('10.0.0.0/30')
      expect(await stateOf(world, first)).toBe('confirmed')
      expect(await affinityFaultsOf(world)).toEqual([])
    },
  )

  test.each<[AffinityState]>([['pending'], ['confirmed'], ['pendingDeletion'], ['']])(
    '%s without a block: that block is claimed, even at the limit',
    async (state) => {
      const world = await twoBlocks()
      await affinity(world, second, state)
      const got = await ok(autoAssign(world.deps, request({ maxBlocksPerHost: 1 })))
      expect(got.v4?.ips).toEqual(['10.0.0.4/30'])
      expect(await affinityFaultsOf(world)).toEqual([])
    },
  )

  test('without a block, of a size the pool no longer has: dropped', async () => {
    const world = await twoBlocks()
    await affinity(world, '10.0.0.0/31', 'confirmed')
    await ip(world)
    expect(await affinityFaultsOf(world)).toEqual([])
    expect((await valuesOf(world, 'Block')).map(({ cidr }) => cidr.slice(-3))).toEqual(['/30'])
  })

  test.each([
    ['somebody else', 'n2'],
    ['nobody', undefined],
  ])('of a block that belongs to %s: the affinity goes', async (_, owner) => {
    const world = await twoBlocks()
    await affinity(world, first, 'confirmed')
    await block(world, first, owner)
    expect(await ip(world)).toBe('10.0.0.4/30')
    expect(await stateOf(world, first)).toBe(undefined)
    expect(await affinityFaultsOf(world)).toEqual([])
  })

  test('a block of ours without an affinity gets one back', async () => {
    const world = await worldOf({ atomic, pools: [poolOf(first, 30)] })
    await block(world, first, 'n1', 1)
    expect(await ip(world)).toBe('10.0.0.1/30')
    expect(await stateOf(world, first)).toBe('confirmed')
    expect((await faultsOf(world)).filter((fault) => !fault.startsWith('old'))).toEqual([])
  })

  test('blocks in pools that the request does not name are not used', async () => {
    const pools = [poolOf('10.0.0.0/29', 30), poolOf('10.1.0.0/30', 30)]
    const world = await worldOf({ atomic, pools })
    await affinity(world, first, 'confirmed')
    await block(world, first, 'n1')
    const got = await ok(autoAssign(world.deps, request({ ipv4Pools: ['10.1.0.0/30'] })))
    expect(got.v4?.ips).toEqual(['10.1.0.0/30'])
  })

  test('cold addresses are free again', async () => {
    const world = await worldOf({
      atomic,
      pools: [poolOf(first, 30)],
      config: { ipCooldownSeconds: 60 },
    })
    await affinity(world, first, 'confirmed')
    const used = allocated(blockWith(first, 'host:n1'), [1, 2, 3], { handleID: 'old' })
    const resting = [...used.allocations.slice(1)].map((_, i) => (i === 0 ? 1 : 0))
    const attributes = [
      { releasedAt: '2026-08-01T09:59:30Z' },
      { releasedAt: '2026-08-01T09:58:00Z' },
    ]
    const value = { ...used, allocations: [null, ...resting], attributes }
    await put(world, { kind: 'Block', cidr: first }, value)
    const got = await ok(autoAssign(world.deps, request({ num4: 4 })))
    expect(got.v4?.ips).toEqual(['10.0.0.0/30', '10.0.0.1/30'])
    expect(await faultsOf(world)).toEqual([])
  })
})
