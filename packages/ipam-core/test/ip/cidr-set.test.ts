import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CIDR,
  cidrSet,
  emptyCIDRSet,
  maskedCIDR,
  setContains,
  setCountIn,
  setCovers,
  setIntersects,
  trustedCIDR,
  trustedIPAddress,
} from '../../src/ip/index.ts'

const set = (...cidrs: string[]) => cidrSet(cidrs.map(trustedCIDR))

describe('a set of CIDRs', () => {
  test('adjacent halves cover the whole', () => {
    const halves = set('10.0.0.128/25', '10.0.0.0/25')
    expect(setCovers(halves, trustedCIDR('10.0.0.0/24'))).toBe(true)
    expect(setCovers(halves, trustedCIDR('10.0.0.0/23'))).toBe(false)
  })

  test('members contained in others count once', () => {
    const doubled = set('10.0.0.0/24', '10.0.0.0/26', '10.0.0.7/32')
    expect(setCountIn(doubled, trustedCIDR('10.0.0.0/8'))).toBe(256n)
    expect(setCountIn(doubled, trustedCIDR('10.0.0.64/26'))).toBe(64n)
  })

  test('families do not mix', () => {
    const v4 = set('0.0.0.0/0')
    expect(setContains(v4, trustedIPAddress('::1'))).toBe(false)
    expect(setContains(v4, trustedIPAddress('1.2.3.4'))).toBe(true)
    expect(setIntersects(emptyCIDRSet, trustedCIDR('0.0.0.0/0'))).toBe(false)
  })

  test('agrees with asking every member about every address', () => {
    const member = fc
      .record({
        value: fc.bigInt({ min: 0n, max: 255n }),
        prefix: fc.integer({ min: 24, max: 32 }),
      })
      .map(({ value, prefix }): CIDR => maskedCIDR({ family: 4, value }, prefix))
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), member, (members, asked) => {
        const union = cidrSet(members)
        const size = 1n << BigInt(32 - asked.prefixLength)
        let count = 0n
        for (let value = asked.base; value < asked.base + size; value += 1n) {
          const inside = members.some(
            (m) => value >= m.base && value < m.base + (1n << BigInt(32 - m.prefixLength)),
          )
          expect(setContains(union, { family: 4, value })).toBe(inside)
          if (inside) count += 1n
        }
        expect(setCountIn(union, asked)).toBe(count)
        expect(setCovers(union, asked)).toBe(count === size)
        expect(setIntersects(union, asked)).toBe(count > 0n)
      }),
    )
  })
})
