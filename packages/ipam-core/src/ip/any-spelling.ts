/**
 * Reads addresses and CIDRs as people write them: any spelling of RFC 4291, dotted tails included,
 * surrounding white space allowed. The only file that imports ip6addr, which costs 7 ms of process
 * start: only front ends reach it, never a plugin's ordinary path.
 *
 * ip6addr knows the spellings; added here is what it lacks. It reads `010.0.0.1` as 10.0.0.1 where
 * others read 8.0.0.1 (refused here); it knows a dotted tail only after `::ffff:`; it clears host
 * bits silently (refused here unless masking is asked for); it shortens single zero groups, which
 * RFC 5952 forbids (address.ts formats); its `first()` and `last()` skip addresses (cidr.ts counts
 * from the base). An IPv4-mapped address is IPv4, as in Go.
 */
/// <reference path="./ip6addr.d.ts" />
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import ip6addr from 'ip6addr'
import { type IPAddress, type IPFault, parseIPAddress } from './address.ts'
import { type CIDR, formatCIDR, parseCIDR, parseCIDRMasked } from './cidr.ts'

const mappedPrefix = 0xffffn << 32n

const unmapped = (address: IPAddress): IPAddress =>
  address.family === 6 && address.value >> 32n === mappedPrefix >> 32n
    ? { family: 4, value: address.value & 0xffffffffn }
    : address

/** `64:ff9b::192.0.2.33` with its tail as two groups, or undefined when the tail is no address. */
const withoutDottedTail = (text: string): string | undefined => {
  const tail = text.lastIndexOf(':') + 1
  if (!text.includes('.')) return text
  const dotted = parseIPAddress(text.slice(tail))
  if (isLeft(dotted)) return undefined
  const { value } = dotted.right
  return `${text.slice(0, tail)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
}

/** The strict spelling of a text that may be any spelling of an address, or undefined. */
const strictSpelling = (text: string): string | undefined => {
  if (!text.includes(':')) return text
  const groups = withoutDottedTail(text)
  if (groups === undefined || !/^[0-9a-fA-F:]+$/.test(groups)) return undefined
  try {
    return ip6addr.parse(groups).toString({ format: 'v6' })
  } catch {
    return undefined
  }
}

/** Parses an address in any RFC 4291 spelling. */
export const parseAnyIPAddress = (text: string): Either<IPFault, IPAddress> => {
  const trimmed = text.trim()
  const parsed = parseIPAddress(strictSpelling(trimmed) ?? trimmed)
  if (isLeft(parsed)) return left({ ...parsed.left, message: `'${text}' is not an IP address` })
  return right(unmapped(parsed.right))
}

/** `text` with its address in the strict spelling, and unchanged when that cannot be done. */
const respelled = (text: string): string => {
  const trimmed = text.trim()
  const slash = trimmed.indexOf('/')
  if (slash < 0) return trimmed
  const address = strictSpelling(trimmed.slice(0, slash))
  return address === undefined ? trimmed : `${address}${trimmed.slice(slash)}`
}

/** Inside ::ffff:0:0/96 the IPv4 CIDR is meant. */
const unmappedCIDR = (cidr: CIDR): CIDR => {
  const { family, value } = unmapped({ family: cidr.family, value: cidr.base })
  if (family === cidr.family || cidr.prefixLength < 96) return cidr
  return { family, base: value, prefixLength: cidr.prefixLength - 96 }
}

/** Parses a CIDR in any spelling; host bits are an error. A bare address is not a CIDR. */
export const parseAnyCIDR = (text: string): Either<IPFault, CIDR> => {
  const parsed = parseCIDR(respelled(text))
  return isLeft(parsed) ? parsed : right(unmappedCIDR(parsed.right))
}

/** As `parseAnyCIDR`, but clears host bits. */
export const parseAnyCIDRMasked = (text: string): Either<IPFault, CIDR> => {
  const parsed = parseCIDRMasked(respelled(text))
  return isLeft(parsed) ? parsed : right(unmappedCIDR(parsed.right))
}

/** Canonical text of an address or CIDR in any spelling; host bits of a CIDR are an error. */
export const canonicalCIDRText = (text: string): Either<IPFault, string> => {
  const parsed = parseAnyCIDR(text)
  return isLeft(parsed) ? left(parsed.left) : right(formatCIDR(parsed.right))
}
