import { expect, test } from 'vitest'
import { reservedAddresses } from '../../src/decisions/reserved-addresses.ts'
import {
  setContains,
  setCountIn,
  setCovers,
  trustedCIDR,
  trustedIPAddress,
} from '../../src/ip/index.ts'

const reserved = (...reservedCIDRs: string[]) => reservedAddresses([{ name: 'r', reservedCIDRs }])
const everything4 = trustedCIDR('0.0.0.0/0')
const everything6 = trustedCIDR('::/0')

test.each<[string, string[], bigint, bigint]>([
  ['nothing', [], 0n, 0n],
  ['a CIDR', ['10.0.0.0/30'], 4n, 0n],
  ['a bare address', ['10.0.0.7'], 1n, 0n],
  ['both families', ['10.0.0.7', 'fd00::1', 'fd00::/126'], 1n, 4n],
  ['space around', ['  10.0.0.7 ', '\t10.0.1.0/31\n'], 3n, 0n],
  ['duplicates and contained ones', ['10.0.0.0/30', '10.0.0.1', '10.0.0.0/30'], 4n, 0n],
  ['host bits', ['10.0.0.7/30'], 4n, 0n],
  ['what is no address', ['10.0.0', 'x', '', '10.0.0.1/33', '1.2.3.4'], 1n, 0n],
])('%s', (_, cidrs, ipv4, ipv6) => {
  const set = reserved(...cidrs)
  expect(setCountIn(set, everything4)).toBe(ipv4)
  expect(setCountIn(set, everything6)).toBe(ipv6)
})

test('several reservations are one set: neighbours together cover a block', () => {
  const set = reservedAddresses([
    { name: 'a', reservedCIDRs: ['10.0.0.0/27'] },
    { name: 'b', reservedCIDRs: ['10.0.0.32/27'] },
  ])
  expect(setCovers(set, trustedCIDR('10.0.0.0/26'))).toBe(true)
  expect(setContains(set, trustedIPAddress('10.0.0.64'))).toBe(false)
})
