import { describe, expect, test } from 'vitest'
import type { AutoAssignRequest } from '../../src/ipam.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { affinityFaultsOf, faultsOf, ok, poolOf, valuesOf, waitsOf, worldOf } from './world.ts'

const request = (change: Partial<AutoAssignRequest> = {}): AutoAssignRequest => ({
  num4: 1,
  handleID: 'h1',
  attrs: { node: 'n1' },
  host: 'n1',
  intendedUse: 'Workload',
  ...change,
})

describe.each([true, false])('atomic: %s', (atomic) => {
  test('an address from a new block, then from the same block', async () => {
    const world = worldOf({ atomic })
    const first = await ok(autoAssign(world.deps, request()))
    expect(first.v4?.ips).toHaveLength(1)
    expect(waitsOf(world)).toBeLessThanOrEqual(atomic ? 3 : 5)
    world.calls.length = 0
    const next = await ok(autoAssign(world.deps, request({ handleID: 'h2' })))
    expect(waitsOf(world)).toBeLessThanOrEqual(atomic ? 3 : 4)
    expect(next.v4?.ips[0]).not.toBe(first.v4?.ips[0])
    expect(valuesOf(world, 'Block')).toHaveLength(1)
    expect(faultsOf(world)).toEqual([])
    expect(affinityFaultsOf(world)).toEqual([])
  })

  test('many', async () => {
    const world = worldOf({ atomic, pools: [poolOf('10.0.0.0/24', 28), poolOf('fd00::/120', 124)] })
    for (let i = 0; i < 40; i += 1) {
      const got = await ok(autoAssign(world.deps, request({ handleID: `h${i}`, num4: 3, num6: 2 })))
      expect(got.v4?.ips).toHaveLength(3)
      expect(got.v6?.ips).toHaveLength(2)
    }
    expect(faultsOf(world)).toEqual([])
    expect(affinityFaultsOf(world)).toEqual([])
  })
})
