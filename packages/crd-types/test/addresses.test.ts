// Address and CIDR text: what is legal, and the one spelling it is kept in.
import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cidr, ip } from '../src/codecs/index.ts'
import { formatAddress, parseAddress } from '../src/codecs/ip-text.ts'

const read = (codec: typeof ip, text: unknown): string => {
  const decoded = codec.decode(text)
  return decoded._tag === 'Right' ? decoded.right : 'refused'
}

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['FD00:0:0::1', 'fd00::1'],
  ['fd80:24e2:f998:72d6::', 'fd80:24e2:f998:72d6::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
  ['', 'refused'],
  ['10.0.0', 'refused'],
  ['10.0.0.256', 'refused'],
  ['10.0.0.01', 'refused'],
  ['10.0.0.1 ', 'refused'],
  ['1:2:3:4:5:6:7', 'refused'],
  ['1:2:3:4:5:6:7:8:9', 'refused'],
  ['1::2::3', 'refused'],
  ['1:2:3:4:5:6:7::8:9', 'refused'],
  [':1', 'refused'],
  ['1:', 'refused'],
  ['12345::', 'refused'],
  ['fe80::1%eth0', 'refused'],
  ['10.0.0.1::', 'refused'],
])('address %s is %s', (text, expected) => {
  expect(read(ip, text)).toBe(expected)
})

test.each([
  ['10.0.0.7/24', '10.0.0.0/24'],
  ['10.0.0.7/0', '0.0.0.0/0'],
  ['10.0.0.7/32', '10.0.0.7/32'],
  ['FD80:24E2:F998:72D6::FF/122', 'fd80:24e2:f998:72d6::c0/122'],
  ['ffff:ffff::/17', 'ffff:8000::/17'],
  ['10.0.0.0', 'refused'],
  ['10.0.0.0/', 'refused'],
  ['10.0.0.0/33', 'refused'],
  ['10.0.0.0/024', 'refused'],
  ['10.0.0.0/-1', 'refused'],
  ['fd00::/129', 'refused'],
  ['/24', 'refused'],
])('CIDR %s is %s', (text, expected) => {
  expect(read(cidr, text)).toBe(expected)
})

test('every address survives, in the spelling the platform also accepts', () => {
  const v4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((o) => o.join('.'))
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
  const v6 = fc.array(group, { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(v4, (text) => {
      expect(read(ip, text)).toBe(text)
    }),
  )
  fc.assert(
    fc.property(v6, (groups) => {
      const text = formatAddress({ family: 6, groups })
      expect(isIP(text)).toBe(6)
      expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`)
      if (!text.startsWith('::ffff:')) expect(parseAddress(text)?.groups).toEqual(groups)
      const long = groups.map((group) => group.toString(16).toUpperCase()).join(':')
      if (!text.startsWith('::ffff:')) expect(read(ip, long)).toBe(text)
    }),
  )
})
