import fc from 'fast-check'
import ip6addr from 'ip6addr'
import { describe, expect, test } from 'vitest'
import {
  formatIPAddress,
  type IPAddress,
  parseIPAddress,
  trustedIPAddress,
} from '../../src/ip/address.ts'

const text = (value: string): string => {
  const parsed = parseIPAddress(value)
  return parsed._tag === 'Left' ? parsed.left.tag : formatIPAddress(parsed.right)
}

describe('parse and format', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['FD00::00AB', 'fd00::ab'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['1::3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ])('%s is %s', (given, canonical) => {
    expect(text(given)).toBe(canonical)
  })

  test.each([
    '',
    ' ',
    '10.0.0',
    '10.0.0.0.1',
    '10.0.0.256',
    '010.0.0.1',
    '10.00.0.1',
    '10.0.0.01',
    '10.0.0.1 ',
    ' 10.0.0.1',
    '10.0.0.1\n',
    '+1.0.0.1',
    '1e1.0.0.1',
    '0x10.0.0.1',
    '10..0.1',
    '.10.0.0.1',
    '10.0.0.1.',
    '1',
    'a',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '1::2::3',
    ':1::2',
    '1::2:',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '::10.0.0.1',
    '::1 ',
    '[::1]',
    'fd00::/64',
  ])('%j is refused', (given) => {
    expect(text(given)).toBe('NotAnAddress')
  })

  test('the message quotes the text', () => {
    expect(parseIPAddress('10.0.0')).toEqual({
      _tag: 'Left',
      left: { tag: 'NotAnAddress', message: "'10.0.0' is not an IP address" },
    })
    expect(() => trustedIPAddress('10.0.0')).toThrow("bug: '10.0.0' is not an IP address")
  })
})

const ipv4: fc.Arbitrary<IPAddress> = fc
  .bigInt({ min: 0n, max: 0xffffffffn })
  .map((value) => ({ family: 4, value }))

/** Groups are zero half of the time, so that runs of zeros occur. */
const ipv6: fc.Arbitrary<IPAddress> = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => ({ family: 6, value: groups.reduce((sum, group) => (sum << 16n) | group, 0n) }))

/** ip6addr's reading, without `::`: it shortens single zero groups, which RFC 5952 forbids. */
const spelledOut = (given: string, family: 4 | 6): string =>
  ip6addr.parse(given).toString({ format: family === 4 ? 'v4' : 'v6', zeroElide: false })

const groupsOf = ({ family, value }: IPAddress): string => {
  if (family === 4) return [24n, 16n, 8n, 0n].map((s) => (value >> s) & 255n).join('.')
  const shifts = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n]
  return shifts.map((s) => ((value >> s) & 0xffffn).toString(16)).join(':')
}

describe('laws', () => {
  test('what is formatted is parsed again', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (address) => {
        expect(trustedIPAddress(formatIPAddress(address))).toEqual(address)
      }),
    )
  })

  test('agrees with ip6addr on every address', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (address) => {
        const ours = formatIPAddress(address)
        expect(spelledOut(ours, address.family)).toBe(groupsOf(address))
      }),
      { numRuns: 1000 },
    )
  })

  test('accepts nothing that ip6addr refuses', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'0123456789abcf:.'), maxLength: 24 })
    fc.assert(
      fc.property(soup, (given) => {
        const ours = parseIPAddress(given)
        if (ours._tag === 'Left') return
        expect(spelledOut(given, ours.right.family)).toBe(groupsOf(ours.right))
      }),
      { numRuns: 5000 },
    )
  })
})
