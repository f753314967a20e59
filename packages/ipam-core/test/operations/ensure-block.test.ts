import { describe, expect, test } from 'vitest'
import type { EnsureBlockRequest } from '../../src/ipam.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { ensureBlock } from '../../src/operations/ensure-block.ts'
import {
  affinityFaultsOf,
  ok,
  poolOf,
  refused,
  assignRequest as request,
  valuesOf,
  type WorldOptions,
  worldOf,
} from './world.ts'

const reserved = {
  startOfBlock: 1,
  endOfBlock: 1,
  handle: 'windows-reserved-ipam-handle',
  note: 'windows host rsvd',
}
const v4: EnsureBlockRequest = { host: 'n1', hostReservedAttrIPv4s: reserved }

describe.each([true, false])('atomic commits: %s', (atomic) => {
  const world = (options: WorldOptions = {}) =>
    worldOf({ atomic, pools: [poolOf('10.0.0.0/29', 29), poolOf('fd00::/125', 125)], ...options })

  test('claims a block per family whose reserved addresses are given', async () => {
    const at = await world()
    expect(await ok(ensureBlock(at.deps, { host: 'n1' }))).toEqual({})
    expect(await ok(ensureBlock(at.deps, v4))).toEqual({ v4: '10.0.0.0/29' })
    const both = { ...v4, hostReservedAttrIPv6s: reserved }
    expect(await ok(ensureBlock(at.deps, both))).toEqual({ v4: '10.0.0.0/29', v6: 'fd00::/125' })
    const [block] = await valuesOf(at, 'Block')
    expect(block?.unallocated).toEqual([1, 2, 3, 4, 5, 6])
    expect(await affinityFaultsOf(at)).toEqual([])
    expect(await valuesOf(at, 'Handle')).toEqual([])
  })

  test('an existing block serves even when it is full, and nothing is written', async () => {
    const at = await world()
    await ok(autoAssign(at.deps, request({ num4: 8 })))
    at.calls.length = 0
    expect(await ok(ensureBlock(at.deps, v4))).toEqual({ v4: '10.0.0.0/29' })
    expect(at.calls.map(({ tag }) => tag)).toEqual(['Read', 'Read'])
  })

  test('no limit of blocks counts', async () => {
    const at = await world({ config: { strictAffinity: true, maxBlocksPerHost: 1 } })
    await ok(autoAssign(at.deps, request()))
    expect(await ok(ensureBlock(at.deps, { ...v4, host: 'n1' }))).toEqual({ v4: '10.0.0.0/29' })
  })

  test('nothing is borrowed', async () => {
    const at = await world()
    await ok(autoAssign(at.deps, request({ host: 'n2', num4: 1 })))
    const refusal = await refused(ensureBlock(at.deps, v4))
    expect(refusal).toMatchObject({ tag: 'NoFreeBlocks', message: 'No Free Blocks' })
  })
})
