// Ranges as people write them, as pools and reservations.
import fc from 'fast-check'
import { isRight } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { formatIPAddress } from '../../src/ip/address.ts'
import {
  cidrsOfRange,
  parseAddressRange,
  planRanges,
  type RangePlan,
  type RangeRequest,
} from '../../src/ip/address-range.ts'
import { trustedCIDR } from '../../src/ip/cidr.ts'
import { cidrSet, setContains } from '../../src/ip/cidr-set.ts'

const planned = (request: Partial<RangeRequest>): RangePlan | string => {
  const plan = planRanges({ ranges: [], blockSize: 26, ...request })
  return isRight(plan) ? plan.right : plan.left.message
}

describe('plans', () => {
  test('a range that ends within a block', () => {
    expect(planned({ ranges: ['10.244.100.0-10.244.105.200'] })).toEqual({
      family: 4,
      pools: ['10.244.100.0/22', '10.244.104.0/23'],
      reservedCIDRs: [
        '10.244.105.201/32',
        '10.244.105.202/31',
        '10.244.105.204/30',
        '10.244.105.208/28',
        '10.244.105.224/27',
      ],
      addresses: 1481n,
    })
  })

  test.each<[string, Partial<RangeRequest>, Partial<RangePlan>]>([
    [
      'a CIDR needs nothing reserved',
      { ranges: ['10.0.0.0/24'] },
      { pools: ['10.0.0.0/24'], reservedCIDRs: [], addresses: 256n },
    ],
    [
      'neighbours become one pool',
      { ranges: ['10.0.0.0/25', '10.0.0.128-10.0.0.255'] },
      { pools: ['10.0.0.0/24'], reservedCIDRs: [] },
    ],
    [
      'an exclude within',
      { ranges: ['10.0.0.0/26'], excludes: ['10.0.0.1'] },
      { pools: ['10.0.0.0/26'], reservedCIDRs: ['10.0.0.1/32'], addresses: 63n },
    ],
    [
      'an exclude of whole blocks needs no pool there',
      { ranges: ['10.0.0.0/24'], excludes: ['10.0.0.0/25'] },
      { pools: ['10.0.0.128/25'], reservedCIDRs: [] },
    ],
    [
      'an exclude outside changes nothing',
      { ranges: ['10.0.0.0/26'], excludes: ['10.9.0.0/16'] },
      { pools: ['10.0.0.0/26'], reservedCIDRs: [] },
    ],
    [
      'one address',
      { ranges: ['10.0.0.7'], blockSize: 32 },
      { pools: ['10.0.0.7/32'], reservedCIDRs: [], addresses: 1n },
    ],
    [
      'IPv6',
      { ranges: ['fd00::10-fd00::4f'], blockSize: 124 },
      {
        pools: ['fd00::10/124', 'fd00::20/123', 'fd00::40/124'],
        reservedCIDRs: [],
        addresses: 64n,
      },
    ],
    [
      'the whole family',
      { ranges: ['0.0.0.0-255.255.255.255'] },
      { pools: ['0.0.0.0/0'], addresses: 1n << 32n },
    ],
  ])('%s', (_, request, plan) => expect(planned(request)).toMatchObject(plan))

  test('the wanted addresses, all of them, and no other can be handed out', () => {
    const offset = fc.integer({ min: 0, max: 700 })
    const range = fc
      .tuple(offset, offset)
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    const at = (n: number): string => formatIPAddress({ family: 4, value: 0x0a000000n + BigInt(n) })
    const text = ([a, b]: readonly [number, number]): string => `${at(a)}-${at(b)}`
    fc.assert(
      fc.property(
        fc.array(range, { minLength: 1, maxLength: 4 }),
        fc.array(range, { maxLength: 4 }),
        fc.integer({ min: 24, max: 32 }),
        (ranges, excludes, blockSize) => {
          const plan = planned({
            ranges: ranges.map(text),
            excludes: excludes.map(text),
            blockSize,
          })
          const isIn =
            (n: number) =>
            ([a, b]: readonly [number, number]) =>
              a <= n && n <= b
          const isWanted = (n: number) => ranges.some(isIn(n)) && !excludes.some(isIn(n))
          const all = Array.from({ length: 1024 }, (_, n) => n)
          const count = all.filter(isWanted).length
          if (typeof plan === 'string') {
            expect(count).toBe(0)
            return
          }
          const pools = cidrSet(plan.pools.map(trustedCIDR))
          const reserved = cidrSet(plan.reservedCIDRs.map(trustedCIDR))
          for (const n of all) {
            const address = { family: 4, value: 0x0a000000n + BigInt(n) } as const
            expect(setContains(pools, address) && !setContains(reserved, address)).toBe(isWanted(n))
          }
          expect(plan.addresses).toBe(BigInt(count))
          expect(plan.pools.every((pool) => trustedCIDR(pool).prefixLength <= blockSize)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('refusals', () => {
  test.each<[Partial<RangeRequest>, string]>([
    [{}, 'no range is given'],
    [
      { ranges: ['10.0.0.9-10.0.0.1'] },
      "'10.0.0.9-10.0.0.1' is not a range: its last address comes before its first",
    ],
    [
      { ranges: ['10.0.0.1-fd00::1'] },
      "'10.0.0.1-fd00::1' is not a range: its ends are of different families",
    ],
    [
      { ranges: ['10.0.0.1-10.0.0.2-10.0.0.3'] },
      "'10.0.0.1-10.0.0.2-10.0.0.3' is not a range: write FIRST-LAST, a CIDR, or one address",
    ],
    [
      { ranges: ['10.0.0.256'] },
      "'10.0.0.256' is not a range: write FIRST-LAST, a CIDR, or one address",
    ],
    [{ ranges: [''] }, "'' is not a range: write FIRST-LAST, a CIDR, or one address"],
    [{ ranges: ['10.0.0.1/24'] }, "'10.0.0.1/24' has host bits set; the CIDR is '10.0.0.0/24'"],
    [
      { ranges: ['10.0.0.0/24', 'fd00::/64'] },
      'the ranges and excludes of one plan must be of one family',
    ],
    [
      { ranges: ['10.0.0.0/24'], excludes: ['10.0.0.0/8'] },
      'the excludes leave no address of the ranges',
    ],
    [{ ranges: ['10.0.0.0/24'], blockSize: 19 }, 'block size 19 is not between 20 and 32 (IPv4)'],
    [{ ranges: ['fd00::/120'] }, 'block size 26 is not between 116 and 128 (IPv6)'],
  ])('%j', (request, message) => expect(planned(request)).toBe(message))
})

test('a range is cut into the fewest CIDRs', () => {
  const range = parseAddressRange('10.0.0.1-10.0.0.14')
  if (!isRight(range)) throw new Error('a range')
  expect(cidrsOfRange(range.right).map(({ prefixLength }) => prefixLength)).toEqual([
    32, 31, 30, 30, 31, 32,
  ])
})
