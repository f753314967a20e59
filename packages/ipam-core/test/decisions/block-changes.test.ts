import { describe, expect, test } from 'vitest'
import {
  allocated,
  assignableOrdinals,
  attributeAt,
  collectCold,
  freeCount,
  isEmpty,
  newBlock,
  ordinalsOfHandle,
  released,
  touched,
  withoutAffinity,
} from '../../src/decisions/block-changes.ts'
import { cidrSet, trustedCIDR } from '../../src/ip/index.ts'
import type { Block } from '../../src/model/block.ts'
import { checkInvariants } from '../../src/model/block-laws.ts'

const second = 1_000_000_000n
const now = 1_785_578_400n * second
const fresh = (cidr = '10.9.0.8/29'): Block =>
  newBlock({ cidr: trustedCIDR(cidr), affinity: 'host:n1', now })
const mine = { handleID: 'k8s-pod-network.abc', attrs: { node: 'n1', pod: 'p1' } }
const other = { handleID: 'k8s-pod-network.def', attrs: { node: 'n1', pod: 'p2' } }

describe('a new block', () => {
  test('is free in order, starts its sequence at the clock, and says when it was claimed', () => {
    expect(fresh()).toEqual({
      cidr: '10.9.0.8/29',
      affinity: 'host:n1',
      affinityClaimTime: '2026-08-01T10:00:00Z',
      allocations: [null, null, null, null, null, null, null, null],
      unallocated: [0, 1, 2, 3, 4, 5, 6, 7],
      attributes: [],
      sequenceNumber: 1785578400000000000n,
      sequenceNumberForAllocation: {},
    })
  })

  const reserved = (startOfBlock: number, endOfBlock: number): Block =>
    newBlock({
      cidr: trustedCIDR('10.9.0.8/29'),
      affinity: 'host:n1',
      now,
      hostReserved: {
        startOfBlock,
        endOfBlock,
        handle: 'windows-reserved-ipam-handle',
        note: 'windows host rsvd',
      },
    })

  test.each([
    [3, 1, [3, 4, 5, 6]],
    [0, 0, [0, 1, 2, 3, 4, 5, 6, 7]],
    [8, 0, []],
    [5, 5, []],
  ])('keeps %i first and %i last addresses for the host', (start, end, free) => {
    const block = reserved(start, end)
    expect(block.unallocated).toEqual(free)
    expect(checkInvariants(block)).toEqual([])
    expect(isEmpty(block)).toBe(true)
  })

  test('the host-reserved addresses carry the handle and the note, and no sequence number', () => {
    const block = reserved(3, 1)
    expect(block.allocations).toEqual([0, 0, 0, null, null, null, null, 0])
    expect(block.attributes).toEqual([
      { handleID: 'windows-reserved-ipam-handle', secondary: { note: 'windows host rsvd' } },
    ])
    expect(block.sequenceNumberForAllocation).toEqual({})
  })
})

describe('allocation', () => {
  test('takes from the front and records the sequence number as it was read', () => {
    const block = fresh()
    const next = allocated(block, assignableOrdinals(block, cidrSet([]), 2), mine)
    expect(next.allocations.slice(0, 3)).toEqual([0, 0, null])
    expect(next.unallocated).toEqual([2, 3, 4, 5, 6, 7])
    expect(next.attributes).toEqual([{ handleID: mine.handleID, secondary: mine.attrs }])
    expect(next.sequenceNumber).toBe(block.sequenceNumber + 1n)
    expect(next.sequenceNumberForAllocation).toEqual({
      '0': block.sequenceNumber,
      '1': block.sequenceNumber,
    })
    expect(block).toEqual(fresh())
  })

  test('skips reserved addresses, which keep their place in the queue', () => {
    const block = fresh()
    const reserved = cidrSet([trustedCIDR('10.9.0.8/31'), trustedCIDR('10.9.0.11/32')])
    expect(assignableOrdinals(block, reserved)).toEqual([2, 4, 5, 6, 7])
    const next = allocated(block, assignableOrdinals(block, reserved, 2), mine)
    expect(next.unallocated).toEqual([0, 1, 3, 5, 6, 7])
    expect(assignableOrdinals(block, cidrSet([trustedCIDR('10.9.0.0/24')]))).toEqual([])
  })

  test.each([
    ['the same owner', mine, {}, 1],
    ['another handle', other, {}, 2],
    ['other attributes', { ...mine, attrs: { node: 'n2' } }, {}, 2],
    ['an entry with a second owner', mine, { alternateOwnerAttrs: { pod: 'p9' } }, 2],
    ['an entry that is cooling down', mine, { releasedAt: '2026-08-01T10:00:00Z' }, 2],
    ['an entry with fields we do not know', mine, { unknownFields: { x: 1 } }, 2],
  ])('shares an attribute entry only with the same owner: %s', (_, owner, change, entries) => {
    const first = allocated(fresh(), [0], mine)
    const edited = { ...first, attributes: first.attributes.map((a) => ({ ...a, ...change })) }
    expect(allocated(edited, [1], owner).attributes).toHaveLength(entries)
  })

  test('without handle and attributes leaves an empty entry', () => {
    expect(allocated(fresh(), [0], {}).attributes).toEqual([{}])
    expect(allocated(fresh(), [0], { attrs: {} }).attributes).toEqual([{}])
  })

  test('of a taken ordinal is a bug', () => {
    expect(() => allocated(allocated(fresh(), [0], mine), [0], other)).toThrow('not all free')
  })
})

describe('release', () => {
  const two = allocated(allocated(fresh(), [0, 1], mine), [2], other)

  test('without cooldown frees at once, ascending, at the tail, and forgets the entry', () => {
    const next = released(two, [1, 0], now, 0)
    expect(next.unallocated).toEqual([3, 4, 5, 6, 7, 0, 1])
    expect(next.allocations.slice(0, 3)).toEqual([null, null, 0])
    expect(next.attributes).toEqual([{ handleID: other.handleID, secondary: other.attrs }])
    expect(Object.keys(next.sequenceNumberForAllocation)).toEqual(['2'])
    expect(next.sequenceNumber).toBe(two.sequenceNumber + 1n)
  })

  test('with a cooldown keeps the ordinal under a releasedAt entry with its sequence number', () => {
    const next = released(two, [0, 1], now, 60)
    expect(next.unallocated).toEqual(two.unallocated)
    expect(attributeAt(next, 0)).toEqual({ releasedAt: '2026-08-01T10:00:00Z' })
    expect(attributeAt(next, 1)).toBe(attributeAt(next, 0))
    expect(next.sequenceNumberForAllocation['0']).toBe(two.sequenceNumber)
    expect(checkInvariants(next, now)).toEqual([])
    expect(isEmpty(released(next, [2], now, 60))).toBe(false)
    expect(ordinalsOfHandle(next, mine.handleID)).toEqual([])
  })

  test.each([
    ['on the second', 60n, 60, 2],
    ['one second later', 61n, 60, 0],
    ['after the cooldown was turned off', 0n, 0, 0],
    ['after the cooldown was made longer', 61n, 90, 2],
  ])('an address is cold %s', (_, seconds, cooldown, resting) => {
    const later = now + seconds * second
    const next = collectCold(released(two, [0, 1], now, 60), later, cooldown)
    const held = next.allocations.filter((i) => i !== null).length
    expect(held).toBe(1 + resting)
    expect(next.unallocated).toEqual(resting > 0 ? [3, 4, 5, 6, 7] : [3, 4, 5, 6, 7, 0, 1])
    expect(checkInvariants(next, later)).toEqual([])
  })

  test('collecting nothing answers the same value', () => {
    expect(collectCold(two, now, 0)).toBe(two)
  })

  test('collecting drops entries that nobody refers to, and renumbers', () => {
    const damaged = {
      ...two,
      attributes: [{ handleID: 'lost' }, ...two.attributes],
      allocations: two.allocations.map((i) => (i === null ? null : i + 1)),
    }
    expect(collectCold(damaged, now, 0)).toEqual(two)
  })
})

describe('facts', () => {
  test('emptiness, free count, handles', () => {
    const block = allocated(allocated(fresh(), [3], mine), [5], { handleID: `${mine.handleID}\rx` })
    expect(isEmpty(fresh())).toBe(true)
    expect(isEmpty(block)).toBe(false)
    expect(freeCount(block)).toBe(6)
    expect(ordinalsOfHandle(block, mine.handleID)).toEqual([3, 5])
    expect(isEmpty(allocated(fresh(), [0], { handleID: 'Windows-Reserved-IPAM-Handle' }))).toBe(
      true,
    )
  })

  test('a touched block differs in its sequence number alone; one without owner has no claim time', () => {
    const block = { ...fresh(), unknownFields: { later: { x: 1 } } }
    expect(touched(block)).toEqual({ ...block, sequenceNumber: block.sequenceNumber + 1n })
    const { affinity: _, affinityClaimTime: __, ...rest } = touched(block)
    expect(withoutAffinity(block)).toEqual(rest)
  })
})
