import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  allocated,
  assignableOrdinals,
  attributeAt,
  collectCold,
  newBlock,
  ordinalsOfHandle,
  released,
} from '../../src/decisions/block-changes.ts'
import { cidrSet, trustedCIDR } from '../../src/ip/index.ts'
import type { Block } from '../../src/model/block.ts'
import { checkInvariants } from '../../src/model/block-laws.ts'

const second = 1_000_000_000n
const start = 1_785_578_400n * second

type Action =
  | { tag: 'take'; handle: number; count: number; note: number }
  | { tag: 'give'; picks: number[] }
  | { tag: 'wait'; seconds: number }

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    tag: fc.constant('take' as const),
    handle: fc.nat(2),
    count: fc.integer({ min: 1, max: 3 }),
    note: fc.nat(1),
  }),
  fc.record({ tag: fc.constant('give' as const), picks: fc.array(fc.nat(15), { maxLength: 3 }) }),
  fc.record({ tag: fc.constant('wait' as const), seconds: fc.nat(50) }),
)

interface World {
  block: Block
  now: bigint
  /** Ordinal -> handle, kept by the test itself. */
  held: Map<number, string>
}

const live = (block: Block): number[] =>
  block.allocations.flatMap((index, ordinal) =>
    index !== null && attributeAt(block, ordinal)?.releasedAt === undefined ? [ordinal] : [],
  )

const step = (world: World, what: Action, cooldown: number): void => {
  if (what.tag === 'wait') {
    world.now += BigInt(what.seconds) * second
    return
  }
  const block = collectCold(world.block, world.now, cooldown)
  if (what.tag === 'take') {
    const ordinals = assignableOrdinals(block, cidrSet([]), what.count)
    if (ordinals.length === 0) return
    const owner = { handleID: `h${what.handle}`, attrs: { note: String(what.note) } }
    world.block = allocated(block, ordinals, owner)
    for (const ordinal of ordinals) {
      expect(world.held.has(ordinal)).toBe(false)
      world.held.set(ordinal, owner.handleID)
    }
    return
  }
  const held = [...world.held.keys()]
  const ordinals = [...new Set(what.picks.map((pick) => held[pick]))].filter((o) => o !== undefined)
  if (ordinals.length === 0) return
  world.block = released(block, ordinals, world.now, cooldown)
  for (const ordinal of ordinals) world.held.delete(ordinal)
}

describe('blocks under any sequence of changes', () => {
  test.each([0, 30])('keep their laws with a cooldown of %i s', (cooldown) => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const cidr = trustedCIDR('10.9.0.16/28')
        const unknownFields = { later: 1 }
        const block = { ...newBlock({ cidr, affinity: 'host:n1', now: start }), unknownFields }
        const world: World = { block, now: start, held: new Map() }
        for (const what of actions) {
          const before = world.block.sequenceNumber
          step(world, what, cooldown)
          expect(checkInvariants(world.block, world.now)).toEqual([])
          expect(world.block.sequenceNumber - before).toBeLessThanOrEqual(1n)
          expect(world.block.unknownFields).toBe(unknownFields)
        }
        expect(live(world.block)).toEqual([...world.held.keys()].sort((a, b) => a - b))
        for (const [ordinal, handle] of world.held) {
          expect(ordinalsOfHandle(world.block, handle)).toContain(ordinal)
        }
      }),
    )
  })

  test('reuse is first in, first out: an address comes back after every other was used once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 28, max: 32 }), fc.integer({ min: 1, max: 40 }), (size, n) => {
        const cidr = trustedCIDR(`10.9.0.16/${size}`)
        let block: Block = newBlock({ cidr, affinity: 'host:n1', now: start })
        const seen: number[] = []
        for (let i = 0; i < n; i += 1) {
          const ordinals = assignableOrdinals(block, cidrSet([]), 1)
          seen.push(ordinals[0] as number)
          block = released(allocated(block, ordinals, { handleID: `h${i}` }), ordinals, start, 0)
        }
        expect(seen).toEqual(seen.map((_, i) => i % 2 ** (32 - size)))
      }),
    )
  })
})

describe('checkInvariants', () => {
  const good = allocated(
    newBlock({ cidr: trustedCIDR('10.9.0.8/30'), affinity: 'host:n1', now: start }),
    [0],
    { handleID: 'h' },
  )
  test.each<[string, Partial<Block>]>([
    ['has 3 allocations', { allocations: [0, null, null] }],
    ['refers to attribute 1', { allocations: [1, null, null, null] }],
    ['attribute 1 is referred to by no ordinal', { attributes: [{}, {}] }],
    ['free ordinal 4 is out of range', { unallocated: [1, 2, 4] }],
    ['free ordinal 1 is queued twice', { unallocated: [1, 1, 2] }],
    ['ordinal 0 is both free and allocated', { unallocated: [0, 1, 2] }],
    ['2 free and 1 allocated do not make 4', { unallocated: [1, 2] }],
    ['released in the future', { attributes: [{ releasedAt: '2030-01-01T00:00:00Z' }] }],
  ])('finds: %s', (fault, change) => {
    expect(checkInvariants(good, start)).toEqual([])
    expect(checkInvariants({ ...good, ...change }, start).join('\n')).toContain(fault)
  })
})
