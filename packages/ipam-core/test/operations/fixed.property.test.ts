/**
 * The life of an identity in any order, its processes killed between any two writes: who was told
 * that it has an address keeps it, nobody else gets one, and nothing is left over in the end.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixedAttrs } from '../../src/model/fixed-allocation.ts'
import { assignIP } from '../../src/operations/assign-ip.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { parkFixed, takeOverFixed } from '../../src/operations/fixed-holder.ts'
import { freezeFixed } from '../../src/operations/freeze-fixed.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { releaseFixed } from '../../src/operations/release-fixed.ts'
import { repinFixed } from '../../src/operations/repin-fixed.ts'
import { killedAfter } from './faults.ts'
import { allocations, handleID, identity, survived } from './fixed-world.ts'
import {
  faultsOf,
  ok,
  poolOf,
  assignRequest as request,
  tagsOf,
  type World,
  worldOf,
} from './world.ts'

const pools = [poolOf('10.0.0.0/28', 30), poolOf('fd00::/124', 126)]
const containers = ['c1', 'c2', 'c3']
const nodes = ['n1', 'n2']

const step = fc.record({
  what: fc.constantFrom(
    'start' as const,
    'stop' as const,
    'ordinary' as const,
    'freeze' as const,
    'repin' as const,
    'release' as const,
    'neighbour' as const,
  ),
  container: fc.constantFrom(...containers),
  node: fc.constantFrom(...nodes),
  /** A wish for another address. */
  ordinal: fc.integer({ min: 0, max: 15 }),
  epoch: fc.integer({ min: 1, max: 5 }),
  /** The process dies after so many writes, in a run where processes die. */
  dies: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 1, nil: undefined }),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** What the plugin does on ADD of a fixed pod. */
const start = async (deps: Deps, { container: id, node }: Step) => {
  const holder = { id, node }
  const hold = await ok(takeOverFixed(deps, { handleID, identity, holder }))
  if (hold !== undefined) return hold
  const attrs = fixedAttrs({ identity, epoch: 1, holder })
  await ok(autoAssign(deps, request({ num6: 1, host: node, handleID, attrs })))
  return ok(takeOverFixed(deps, { handleID, identity, holder, epoch: 1 }))
}

interface Model {
  /** Who was told that it holds the identity's addresses, at which epoch. */
  holder: string | undefined
  epoch: number
}

const act = async (deps: Deps, one: Step, model: Model): Promise<void> => {
  const { what, container: id, node } = one
  const ip = `10.0.0.${one.ordinal}`
  if (what === 'start') {
    const hold = await start(deps, one)
    const epoch = hold?.epoch ?? 0
    // Whatever an older container still does carries a lower one.
    if (model.holder !== undefined && model.holder !== id) expect(epoch).not.toBe(model.epoch)
    model.holder = id
    model.epoch = epoch
  } else if (what === 'stop') {
    await tagsOf(releaseByHandle(deps, id))
    await ok(parkFixed(deps, { handleID, holderID: id }))
    if (model.holder === id) model.holder = undefined
  } else if (what === 'ordinary') {
    const attrs = { node, pod: 'redis-0', namespace: 'shop' }
    const asked = request({ host: node, handleID: id, attrs, maxAllocToHandlePerIPVersion: 1 })
    await tagsOf(autoAssign(deps, asked))
  } else if (what === 'freeze') {
    await tagsOf(freezeFixed(deps, { fromHandleID: id, handleID, identity }))
  } else if (what === 'repin') {
    await tagsOf(repinFixed(deps, { handleID, epoch: model.epoch, holderID: id, ip, host: node }))
  } else if (what === 'release') {
    await ok(releaseFixed(deps, { handleID, epoch: one.epoch }))
  } else {
    await tagsOf(assignIP(deps, { ip, handleID: `other-${one.ordinal}`, host: node }))
  }
}

/** Slots of blocks under a handle. */
const slotsOf = async (world: World, handle: string): Promise<ReadonlyArray<string>> =>
  [...(await allocations(world))].flatMap(([slot, one]) => (one.handle === handle ? [slot] : []))

const families = (slots: ReadonlyArray<string>) => ({
  v4: slots.filter((slot) => !slot.includes(':')).length,
  v6: slots.filter((slot) => slot.includes(':')).length,
})

/** Gives everything back, as the ends of all containers and the controller would. */
const endAll = async (world: World): Promise<void> => {
  const { deps } = world
  for (const id of containers) await tagsOf(releaseByHandle(deps, id))
  const hold = await ok(
    takeOverFixed(deps, { handleID, identity, holder: { id: 'last', node: 'n1' } }),
  )
  await ok(parkFixed(deps, { handleID, holderID: 'last' }))
  await ok(releaseFixed(deps, { handleID, epoch: hold?.epoch ?? 0 }))
  for (let n = 0; n < 16; n += 1) await tagsOf(releaseByHandle(deps, `other-${n}`))
}

describe.each([true, false])('atomic commits: %s', (atomic) => {
  test('an identity’s life in any order, with processes that are killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.boolean(), async (steps, isCalm) => {
        const world = await worldOf({ atomic, pools, nodes })
        const model: Model = { holder: undefined, epoch: 0 }
        const others = new Map<string, string>()
        for (const one of steps) {
          const before = await slotsOf(world, handleID)
          const deps = one.dies === undefined || isCalm ? world.deps : killedAfter(world, one.dies)
          const wasHeld = model.holder !== undefined
          await survived(act(deps, one, model))
          const after = await slotsOf(world, handleID)
          // Nobody's address is given to anybody else, whoever dies.
          for (const [slot, { handle }] of await allocations(world)) {
            if (!handle.startsWith('other-')) continue
            expect(others.get(slot) ?? handle).toBe(handle)
            others.set(slot, handle)
          }
          if (isCalm) {
            expect(Math.max(...Object.values(families(after)))).toBeLessThanOrEqual(1)
            expect(await faultsOf(world)).toEqual([])
          }
          // While a container holds them, the identity has an address of every family it had.
          const had = families(before)
          const has = families(after)
          if (wasHeld && model.holder !== undefined) {
            expect(has.v4).toBeGreaterThanOrEqual(Math.min(had.v4, 1))
            expect(has.v6).toBeGreaterThanOrEqual(Math.min(had.v6, 1))
          }
          // A pod that only stops and starts keeps all.
          if (one.what === 'stop' || (one.what === 'start' && before.length > 0)) {
            expect(after).toEqual(before)
          }
        }
        await endAll(world)
        expect([...(await allocations(world))]).toEqual([])
        expect(await faultsOf(world)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})
