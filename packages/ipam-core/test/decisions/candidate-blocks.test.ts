import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  after,
  candidateFrom,
  type WalkedPool,
  walkedPool,
  walkStart,
} from '../../src/decisions/candidate-blocks.ts'
import { type CIDRSet, cidrSet, emptyCIDRSet, formatCIDR, trustedCIDR } from '../../src/ip/index.ts'

const pool = (cidr: string, blockSize: number, host = 'n1', now = 0n): WalkedPool =>
  walkedPool(trustedCIDR(cidr), blockSize, host, now)

const walk = (pools: WalkedPool[], reserved: CIDRSet = emptyCIDRSet, most = 10_000): string[] => {
  const seen: string[] = []
  let next = candidateFrom(pools, walkStart, reserved)
  while (next !== undefined && seen.length < most) {
    seen.push(formatCIDR(next.cidr))
    next = candidateFrom(pools, after(next.at), reserved)
  }
  return seen
}

describe('the walk', () => {
  test('meets every block of every pool once, pool after pool, upwards and around', () => {
    const seen = walk([pool('10.0.0.0/24', 28), pool('10.1.0.0/28', 30)])
    expect(new Set(seen).size).toBe(20)
    expect(seen.slice(0, 16).every((cidr) => cidr.startsWith('10.0.'))).toBe(true)
    const indexes = seen.slice(0, 16).map((cidr) => Number(cidr.split(/[./]/)[3]) / 16)
    expect(indexes).toEqual(indexes.map((_, i) => ((indexes[0] as number) + i) % 16))
  })

  test('a pool smaller than its blocks has none', () => {
    expect(walk([pool('10.0.0.0/28', 26), pool('10.1.0.0/26', 26)])).toEqual(['10.1.0.0/26'])
  })

  test('steps over reserved blocks, and meets all others', () => {
    const block = fc.nat(63).map((i) => trustedCIDR(`10.0.0.${i * 4}/30`))
    fc.assert(
      fc.property(fc.array(block, { maxLength: 64 }), fc.string(), (taken, host) => {
        const reserved = cidrSet(taken)
        const seen = walk([pool('10.0.0.0/24', 30, host)], reserved)
        const free = walk([pool('10.0.0.0/24', 30, host)]).filter(
          (cidr) => !taken.some((one) => formatCIDR(one) === cidr),
        )
        expect(seen).toEqual(free)
      }),
    )
  })

  test('partly reserved blocks are candidates', () => {
    const reserved = cidrSet([trustedCIDR('10.0.0.0/31'), trustedCIDR('10.0.0.4/30')])
    expect(walk([pool('10.0.0.0/29', 30)], reserved)).toEqual(['10.0.0.0/30'])
  })

  test('a reservation of most of an IPv6 pool costs nothing', () => {
    const reserved = cidrSet([trustedCIDR('fd00::/49'), trustedCIDR('fd00:0:0:8000::/50')])
    const [first] = walk([pool('fd00::/48', 122)], reserved, 1)
    expect(first?.startsWith('fd00:0:0:')).toBe(true)
    expect(walk([pool('fd00::/48', 122)], cidrSet([trustedCIDR('fd00::/48')]))).toEqual([])
  })
})

describe('the start', () => {
  test('is the same for one host, whatever the time', () => {
    expect(pool('10.0.0.0/16', 26, 'n1', 1n)).toEqual(pool('10.0.0.0/16', 26, 'n1', 2n))
  })

  test('moves with the time in pools of single addresses', () => {
    const starts = Array.from({ length: 50 }, (_, i) => {
      return pool('10.0.0.0/16', 32, 'n1', BigInt(i) * 1_000_000_000n).start
    })
    expect(new Set(starts).size).toBeGreaterThan(45)
  })

  test.each([
    ['10.0.0.0/16', 26],
    ['fd00::/48', 122],
  ])('spreads hosts with neighbouring names over %s', (cidr, blockSize) => {
    const parts = new Array<number>(16).fill(0)
    for (let i = 0; i < 1600; i += 1) {
      const { start, count } = pool(cidr, blockSize, `node${i}`)
      expect(start).toBeLessThan(count)
      const part = Number((start * 16n) / count)
      parts[part] = (parts[part] as number) + 1
    }
    expect(Math.min(...parts)).toBeGreaterThan(60)
    expect(Math.max(...parts)).toBeLessThan(150)
  })
})
