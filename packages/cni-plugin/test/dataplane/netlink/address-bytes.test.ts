/** Addresses between text and bytes, against the runtime's own parser. */
import { SocketAddress } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressToBytes,
  addressToText,
  familyOf,
  linkLocalOf,
  macToBytes,
  macToText,
} from '../../../src/dataplane/linux/netlink/address-bytes.ts'
import { hex } from './hex.ts'

describe('addresses', () => {
  test.each([
    ['10.1.2.3', '0a010203'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['fd00::', `fd00${'00'.repeat(14)}`],
    ['2001:db8::8:0:0:1', '20010db8000000000008000000000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:10.1.2.3', `${'00'.repeat(10)}ffff0a010203`],
  ])('%s', (text, bytes) => {
    expect(addressToBytes(text)).toEqual(hex(bytes))
  })

  test.each([
    ['a run of one zero group stays', '00010002000300000005000600070008', '1:2:3:0:5:6:7:8'],
    ['the first of equal runs is shortened', '00010000000000040000000000070008', '1::4:0:0:7:8'],
    ['the longer run is shortened', '00010000000000040000000000000008', '1:0:0:4::8'],
    ['a run at the end', '00010002000300040005000600000000', '1:2:3:4:5:6::'],
  ])('%s', (_, bytes, text) => {
    expect(addressToText(hex(bytes))).toBe(text)
  })

  test('every IPv6 address survives, in the form the runtime gives it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = addressToText(bytes)
        expect(addressToBytes(text)).toEqual(bytes)
        // The runtime writes mapped IPv4 addresses with dots.
        if (bytes.subarray(0, 10).some((value) => value !== 0)) {
          expect(new SocketAddress({ address: text, family: 'ipv6' }).address).toBe(text)
        }
      }),
    )
  })

  test.each(['', '10.1.2', '10.1.2.256', '10.1.2.x', '1:2:3', 'fd00::g', '::1%eth0'])(
    '%j is refused',
    (text) => {
      expect(() => addressToBytes(text)).toThrow(/not an IP address/)
    },
  )

  test('the family shows in the text', () => {
    expect([familyOf('10.0.0.1'), familyOf('::')]).toEqual([2, 10])
  })
})

describe('MAC addresses', () => {
  test('both ways', () => {
    expect(macToBytes('02:00:5E:10:00:0f')).toEqual(hex('02005e10000f'))
    expect(macToText(hex('02005e10000f'))).toBe('02:00:5e:10:00:0f')
  })

  test.each(['', '02:00:00:00:00', '02-00-00-00-00-01', '2:0:0:0:0:1', 'zz:00:00:00:00:00'])(
    '%j is refused',
    (text) => {
      expect(() => macToBytes(text)).toThrow(/not a MAC address/)
    },
  )

  test('the link-local address that belongs to one', () => {
    expect(linkLocalOf('ee:ee:ee:ee:ee:ee')).toBe('fe80::ecee:eeff:feee:eeee')
    expect(linkLocalOf('00:00:00:00:00:01')).toBe('fe80::200:ff:fe00:1')
  })
})
