import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressAt,
  addressCount,
  addressInBlock,
  blockAddresses,
  blockCount,
  blockOf,
  containsCIDR,
  formatCIDR,
  formatIPAddress,
  lastValue,
  nthBlock,
  ordinalOf,
  overlaps,
  parseAnyCIDR,
  parseAnyCIDRMasked,
  parseAnyIPAddress,
  parseCIDR,
  parseCIDRMasked,
  trustedCIDR,
  trustedIPAddress,
} from '../../src/ip/index.ts'

describe('parseCIDR', () => {
  test.each(['10.0.0.0/8', '0.0.0.0/0', '10.0.0.1/32', 'fd00::/48', '::/0', '::1/128'])(
    '%s is kept',
    (text) => {
      const parsed = parseCIDR(text)
      expect(parsed._tag === 'Right' && formatCIDR(parsed.right)).toBe(text)
    },
  )

  test.each([
    ['10.0.0.1/24', 'HostBitsSet', "'10.0.0.1/24' has host bits set; the CIDR is '10.0.0.0/24'"],
    ['fd00::1/64', 'HostBitsSet', "'fd00::1/64' has host bits set; the CIDR is 'fd00::/64'"],
    ['10.0.0.0', 'NotACIDR', undefined],
    ['10.0.0.0/33', 'NotACIDR', undefined],
    ['10.0.0.0/', 'NotACIDR', undefined],
    ['10.0.0.0/08', 'NotACIDR', undefined],
    ['10.0.0.0/-1', 'NotACIDR', undefined],
    ['10.0.0.0/8/8', 'NotACIDR', undefined],
    ['fd00::/129', 'NotACIDR', undefined],
    ['010.0.0.0/8', 'NotACIDR', undefined],
  ])('%s is refused: %s', (text, tag, message) => {
    const parsed = parseCIDR(text)
    if (parsed._tag === 'Right') throw new Error('accepted')
    expect(parsed.left.tag).toBe(tag)
    if (message !== undefined) expect(parsed.left.message).toBe(message)
  })

  test('parseCIDRMasked clears host bits', () => {
    const parsed = parseCIDRMasked('10.0.0.77/26')
    expect(parsed._tag === 'Right' && formatCIDR(parsed.right)).toBe('10.0.0.64/26')
  })
})

describe('parts of a pool', () => {
  test.each([
    ['10.0.0.0/16', 26, 1024n],
    ['10.0.0.0/26', 26, 1n],
    ['10.0.0.0/28', 26, 0n],
    ['10.0.0.0/24', 32, 256n],
    ['fd00::/48', 122, 1n << 74n],
  ])('%s in /%i blocks: %s', (pool, size, count) => {
    expect(blockCount(trustedCIDR(pool), size)).toBe(count)
  })

  test('the last block of a pool ends where the pool ends', () => {
    const pool = trustedCIDR('fd80:24e2:f998:72d6::/112')
    const last = nthBlock(pool, 122, blockCount(pool, 122) - 1n)
    expect(formatCIDR(last)).toBe('fd80:24e2:f998:72d6::ffc0/122')
    expect(lastValue(last)).toBe(lastValue(pool))
    expect(formatCIDR(nthBlock(pool, 122, 666n))).toBe('fd80:24e2:f998:72d6::a680/122')
  })

  test('ordinals', () => {
    const block = blockOf(trustedIPAddress('10.0.0.77'), 26)
    expect(formatCIDR(block)).toBe('10.0.0.64/26')
    expect(ordinalOf(block, trustedIPAddress('10.0.0.77'))).toBe(13)
    expect(ordinalOf(block, trustedIPAddress('10.0.0.128'))).toBe(undefined)
    expect(ordinalOf(block, trustedIPAddress('::1'))).toBe(undefined)
    expect(formatIPAddress(addressAt(block, 63))).toBe('10.0.0.127')
    expect(addressInBlock(block, 0)).toBe('10.0.0.64/26')
    expect(blockAddresses(block)).toBe(64)
    expect(addressCount(block)).toBe(64n)
  })

  test('containment and overlap', () => {
    const c = trustedCIDR
    expect(containsCIDR(c('10.0.0.0/8'), c('10.255.0.0/16'))).toBe(true)
    expect(containsCIDR(c('10.0.0.0/8'), c('10.0.0.0/8'))).toBe(true)
    expect(containsCIDR(c('10.0.0.0/16'), c('10.0.0.0/8'))).toBe(false)
    expect(containsCIDR(c('0.0.0.0/0'), c('::/0'))).toBe(false)
    expect(overlaps(c('10.0.0.0/16'), c('10.0.0.0/8'))).toBe(true)
    expect(overlaps(c('10.0.0.0/16'), c('10.1.0.0/16'))).toBe(false)
  })

  test('every address of a pool is in exactly the block that blockOf names', () => {
    const pool = trustedCIDR('172.16.0.0/20')
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 4095n }),
        fc.integer({ min: 20, max: 32 }),
        (n, size) => {
          const address = { family: 4 as const, value: pool.base + n }
          const block = blockOf(address, size)
          const index = (block.base - pool.base) / addressCount(block)
          expect(nthBlock(pool, size, index)).toEqual(block)
          expect(addressAt(block, ordinalOf(block, address) as number)).toEqual(address)
        },
      ),
    )
  })
})

describe('any spelling', () => {
  const spelled = (text: string): string => {
    const parsed = parseAnyIPAddress(text)
    return parsed._tag === 'Left' ? parsed.left.tag : formatIPAddress(parsed.right)
  }
  test.each([
    [' 10.0.0.1 ', '10.0.0.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['010.0.0.1', 'NotAnAddress'],
    ['::ffff:010.0.0.1', 'NotAnAddress'],
    ['167772161', 'NotAnAddress'],
    ['', 'NotAnAddress'],
    ['fe80::1%eth0', 'NotAnAddress'],
  ])('%j is %s', (text, expected) => {
    expect(spelled(text)).toBe(expected)
  })

  const cidr = (parse: typeof parseAnyCIDR, text: string): string => {
    const parsed = parse(text)
    return parsed._tag === 'Left' ? parsed.left.tag : formatCIDR(parsed.right)
  }
  test.each([
    [' FD00:0:0:0::/64', 'fd00::/64', 'fd00::/64'],
    ['10.0.0.9/24', 'HostBitsSet', '10.0.0.0/24'],
    ['::ffff:10.0.0.0/120', '10.0.0.0/24', '10.0.0.0/24'],
    ['10.0.0.0', 'NotACIDR', 'NotACIDR'],
    ['010.0.0.0/8', 'NotACIDR', 'NotACIDR'],
  ])('CIDR %j is %s, masked %s', (text, strict, masked) => {
    expect(cidr(parseAnyCIDR, text)).toBe(strict)
    expect(cidr(parseAnyCIDRMasked, text)).toBe(masked)
  })
})
