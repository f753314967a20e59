/** Laws of giving back: whatever was assigned in whatever order, what goes restores what was. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { ipsByHandle } from '../../src/operations/ips-by-handle.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { releaseIPs } from '../../src/operations/release-ips.ts'
import {
  assignRequest,
  faultsOf,
  ok,
  poolOf,
  second,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const handle = fc.constantFrom('a', 'b', 'c')
const host = fc.constantFrom('n1', 'n2')
const steps = fc.array(
  fc.oneof(
    fc.record({
      tag: fc.constant('Assign' as const),
      handle,
      host,
      num4: fc.nat(9),
      num6: fc.nat(3),
    }),
    fc.record({
      tag: fc.constant('ReleaseSome' as const),
      handle,
      share: fc.nat(5),
      known: fc.boolean(),
    }),
    fc.record({ tag: fc.constant('ReleaseAll' as const), handle }),
  ),
  { maxLength: 12 },
)
type AnyStep = (typeof steps extends fc.Arbitrary<infer A> ? A : never) extends (infer S)[]
  ? S
  : never

const pools = [poolOf('10.0.0.0/26', 29), poolOf('10.1.0.0/28', 28), poolOf('fd00::/122', 126)]

const held = async (world: World, id: string): Promise<ReadonlyArray<string>> => {
  const result = await ipsByHandle(world.deps, id)()
  return result._tag === 'Left' ? [] : result.right
}

const perform = async (world: World, step: AnyStep): Promise<void> => {
  const before = await held(world, step.handle)
  switch (step.tag) {
    case 'Assign': {
      const { num4, num6, host: at, handle: handleID } = step
      await ok(autoAssign(world.deps, assignRequest({ num4, num6, host: at, handleID })))
      return
    }
    case 'ReleaseSome': {
      const some = before.filter((_, i) => i % 6 <= step.share)
      const options = some.map((address) =>
        step.known ? { address, handle: step.handle } : { address },
      )
      const { unallocated } = await ok(releaseIPs(world.deps, options))
      expect(unallocated).toEqual([])
      expect(await held(world, step.handle)).toEqual(before.filter((ip) => !some.includes(ip)))
      return
    }
    case 'ReleaseAll': {
      const result = await releaseByHandle(world.deps, step.handle)()
      const released = result._tag === 'Left' ? [] : result.right.released
      expect([...released].sort()).toEqual([...before].sort())
    }
  }
}

test.each([
  { atomic: true, ipCooldownSeconds: 0 },
  { atomic: false, ipCooldownSeconds: 0 },
  { atomic: true, ipCooldownSeconds: 5 },
])('counts are exact after every step, and nothing is left at the end: %o', async (config) => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const world = await worldOf({ ...config, pools, config })
      for (const step of list) {
        await perform(world, step)
        expect(await faultsOf(world)).toEqual([])
      }
      for (const id of ['a', 'b', 'c']) await releaseByHandle(world.deps, id)()
      expect(await valuesOf(world, 'Handle')).toEqual([])
      world.now += 7n * second
      await ok(
        autoAssign(world.deps, assignRequest({ handleID: 'z', host: 'n1', num4: 80, num6: 64 })),
      )
      expect(await held(world, 'z')).toHaveLength(80 + 64)
    }),
    { numRuns: 60 },
  )
})

test('released addresses come back last: every free one of the block is used first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 8 }), async (count) => {
      const world = await worldOf({ pools: [poolOf('10.0.0.0/29', 29)] })
      const seen: string[] = []
      for (let i = 0; i < count + 8; i += 1) {
        const got = await ok(autoAssign(world.deps, assignRequest()))
        seen.push(...(got.v4?.ips ?? []))
        await ok(releaseByHandle(world.deps, 'h1'))
      }
      for (let i = 0; i < count; i += 1) {
        expect(new Set(seen.slice(i, i + 8)).size).toBe(8)
        expect(seen[i + 8]).toBe(seen[i])
      }
    }),
    { numRuns: 8 },
  )
})
