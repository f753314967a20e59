/**
 * CIDRs as values, and the arithmetic that cuts a pool into blocks. A CIDR's base never has host
 * bits: `parseCIDR` refuses them in so many words, `parseCIDRMasked` clears them on purpose.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import {
  bitsOf,
  formatIPAddress,
  type IPAddress,
  type IPFamily,
  type IPFault,
  parseIPAddress,
} from './address.ts'

/** A range of 2^(bits - prefixLength) addresses that starts at `base`, a multiple of its size. */
export interface CIDR {
  readonly family: IPFamily
  readonly base: bigint
  readonly prefixLength: number
}

/** Number of addresses. */
export const addressCount = (cidr: CIDR): bigint =>
  1n << BigInt(bitsOf(cidr.family) - cidr.prefixLength)

/** Value of the last address. */
export const lastValue = (cidr: CIDR): bigint => cidr.base + addressCount(cidr) - 1n

export const formatCIDR = (cidr: CIDR): string =>
  `${formatIPAddress({ family: cidr.family, value: cidr.base })}/${cidr.prefixLength}`

/** The CIDR of that prefix length around an address. */
export const maskedCIDR = (address: IPAddress, prefixLength: number): CIDR => {
  const hostBits = BigInt(bitsOf(address.family) - prefixLength)
  return {
    family: address.family,
    base: (address.value >> hostBits) << hostBits,
    prefixLength,
  }
}

const notACIDR = (text: string): IPFault => ({
  tag: 'NotACIDR',
  message: `'${text}' is not a CIDR (an IP address, '/', and a prefix length)`,
})

const prefixPattern = /^(0|[1-9][0-9]{0,2})$/

interface AddressWithPrefix {
  readonly address: IPAddress
  readonly prefixLength: number
}

/** Splits `address/prefix` and validates both; the address may have host bits. */
export const parseAddressWithPrefix = (text: string): Either<IPFault, AddressWithPrefix> => {
  const slash = text.indexOf('/')
  if (slash < 0) return left(notACIDR(text))
  const address = parseIPAddress(text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (isLeft(address) || !prefixPattern.test(digits)) return left(notACIDR(text))
  const prefixLength = Number(digits)
  if (prefixLength > bitsOf(address.right.family)) return left(notACIDR(text))
  return right({ address: address.right, prefixLength })
}

/** Parses a CIDR and clears its host bits, as Calico does with the CIDRs of its keys. */
export const parseCIDRMasked = (text: string): Either<IPFault, CIDR> => {
  const parsed = parseAddressWithPrefix(text)
  return isLeft(parsed)
    ? parsed
    : right(maskedCIDR(parsed.right.address, parsed.right.prefixLength))
}

/** Parses a CIDR; one with host bits set is refused, and the message says which CIDR was meant. */
export const parseCIDR = (text: string): Either<IPFault, CIDR> => {
  const parsed = parseAddressWithPrefix(text)
  if (isLeft(parsed)) return parsed
  const cidr = maskedCIDR(parsed.right.address, parsed.right.prefixLength)
  if (cidr.base === parsed.right.address.value) return right(cidr)
  return left({
    tag: 'HostBitsSet',
    message: `'${text}' has host bits set; the CIDR is '${formatCIDR(cidr)}'`,
  })
}

/** The CIDR of a text that our own code or a codec has already validated; throws on a bug. */
export const trustedCIDR = (text: string): CIDR => {
  const parsed = parseCIDRMasked(text)
  if (isLeft(parsed)) throw new Error(`bug: ${parsed.left.message}`)
  return parsed.right
}

export const sameCIDR = (a: CIDR, b: CIDR): boolean =>
  a.family === b.family && a.base === b.base && a.prefixLength === b.prefixLength

export const containsAddress = (cidr: CIDR, address: IPAddress): boolean => {
  if (cidr.family !== address.family) return false
  const hostBits = BigInt(bitsOf(cidr.family) - cidr.prefixLength)
  return address.value >> hostBits === cidr.base >> hostBits
}

/** Whether every address of `inner` is in `outer`; a CIDR contains itself. */
export const containsCIDR = (outer: CIDR, inner: CIDR): boolean =>
  outer.prefixLength <= inner.prefixLength &&
  containsAddress(outer, { family: inner.family, value: inner.base })

/** Whether two CIDRs share an address; then one contains the other. */
export const overlaps = (a: CIDR, b: CIDR): boolean => containsCIDR(a, b) || containsCIDR(b, a)

/** The block an address lies in; `blockSize` is a prefix length, as in Calico's IPPool. */
export const blockOf = (address: IPAddress, blockSize: number): CIDR =>
  maskedCIDR(address, blockSize)

/** How many blocks of that prefix length a pool is cut into: 0 when a block is larger than it. */
export const blockCount = (pool: CIDR, blockSize: number): bigint =>
  blockSize < pool.prefixLength ? 0n : 1n << BigInt(blockSize - pool.prefixLength)

/** Block number `n` of a pool, 0 <= n < blockCount. */
export const nthBlock = (pool: CIDR, blockSize: number, n: bigint): CIDR => ({
  family: pool.family,
  base: pool.base + (n << BigInt(bitsOf(pool.family) - blockSize)),
  prefixLength: blockSize,
})
