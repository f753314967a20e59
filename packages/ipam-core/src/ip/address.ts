/**
 * IP addresses as values: a family and a number. The parser here is strict and fast, because every
 * start of a plugin runs it many times: dotted decimal without leading zeros (`010.0.0.1` is 8 in
 * one program and 10 in the next), IPv6 as hexadecimal groups with at most one `::`. No white
 * space, no zone, no dotted tail. What people type in other spellings goes through any-spelling.ts.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'

export type IPFamily = 4 | 6

/** An address: `value` is below 2^32 (family 4) or 2^128 (family 6). */
export interface IPAddress {
  readonly family: IPFamily
  readonly value: bigint
}

/** Why a text is not an address or a CIDR. `message` is a sentence that quotes the text. */
export interface IPFault {
  readonly tag: 'NotAnAddress' | 'NotACIDR' | 'HostBitsSet'
  readonly message: string
}

/** Bits of an address of the family. */
export const bitsOf = (family: IPFamily): number => (family === 4 ? 32 : 128)

const dot = 46
const colon = 58
const zero = 48

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** The number of a dotted decimal text, or -1. */
const ipv4Value = (text: string): number => {
  if (text.length < 7 || text.length > 15) return -1
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (isDigit(code)) {
      if (octet === 0) return -1
      octet = (octet < 0 ? 0 : octet * 10) + code - zero
      if (octet > 255) return -1
    } else if (code === dot && octet >= 0) {
      value = value * 256 + octet
      octet = -1
      dots += 1
    } else return -1
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : -1
}

const hexDigit = (code: number): number => {
  if (isDigit(code)) return code - zero
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** The groups of one side of `::`, or undefined when the text is not groups joined by `:`. */
const groupsOf = (text: string): number[] | undefined => {
  if (text === '') return []
  const groups: number[] = []
  let group = -1
  let digits = 0
  for (let i = 0; i <= text.length; i += 1) {
    const code = i < text.length ? text.charCodeAt(i) : colon
    if (code === colon) {
      if (digits === 0 || groups.length === 8) return undefined
      groups.push(group)
      group = -1
      digits = 0
      continue
    }
    const digit = hexDigit(code)
    digits += 1
    if (digit < 0 || digits > 4) return undefined
    group = group < 0 ? digit : group * 16 + digit
  }
  return groups
}

const pair = (groups: ReadonlyArray<number>, i: number): number =>
  (groups[i] as number) * 65536 + (groups[i + 1] as number)

const valueOfGroups = (groups: ReadonlyArray<number>): bigint =>
  (((((BigInt(pair(groups, 0)) << 32n) | BigInt(pair(groups, 2))) << 32n) |
    BigInt(pair(groups, 4))) <<
    32n) |
  BigInt(pair(groups, 6))

const ipv6Value = (text: string): bigint | undefined => {
  if (text.length > 39) return undefined
  const gap = text.indexOf('::')
  if (gap < 0) {
    const groups = groupsOf(text)
    return groups?.length === 8 ? valueOfGroups(groups) : undefined
  }
  const head = groupsOf(text.slice(0, gap))
  const tail = groupsOf(text.slice(gap + 2))
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0)
  return valueOfGroups([...head, ...zeros, ...tail])
}

/** Parses an address of either family; the strict spelling described above. */
export const parseIPAddress = (text: string): Either<IPFault, IPAddress> => {
  if (text.includes(':')) {
    const value = ipv6Value(text)
    if (value !== undefined) return right({ family: 6, value })
  } else {
    const value = ipv4Value(text)
    if (value >= 0) return right({ family: 4, value: BigInt(value) })
  }
  return left({ tag: 'NotAnAddress', message: `'${text}' is not an IP address` })
}

/** The address of a text that our own code or a codec has already validated; throws on a bug. */
export const trustedIPAddress = (text: string): IPAddress => {
  const parsed = parseIPAddress(text)
  if (parsed._tag === 'Left') throw new Error(`bug: ${parsed.left.message}`)
  return parsed.right
}

const formatIPv4 = (value: bigint): string => {
  const n = Number(value)
  return `${Math.floor(n / 16777216)}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`
}

/** Start and length of the longest run of zero groups; the first one when several are equal. */
const longestZeroRun = (groups: ReadonlyArray<number>): { start: number; length: number } => {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let i = 0; i <= 8; i += 1) {
    if (groups[i] === 0) continue
    if (i - start > best.length) best = { start, length: i - start }
    start = i + 1
  }
  return best
}

const hex = (groups: ReadonlyArray<number>): string => groups.map((g) => g.toString(16)).join(':')

/** RFC 5952: lower case, no leading zeros, the first longest run of at least two zero groups as `::`. */
const formatIPv6 = (value: bigint): string => {
  const groups: number[] = []
  for (let shift = 96n; shift >= 0n; shift -= 32n) {
    const two = Number((value >> shift) & 0xffffffffn)
    groups.push(two >>> 16, two & 0xffff)
  }
  const run = longestZeroRun(groups)
  if (run.length < 2) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

/** Canonical text of an address: dotted decimal, or RFC 5952 for IPv6. */
export const formatIPAddress = (address: IPAddress): string =>
  address.family === 4 ? formatIPv4(address.value) : formatIPv6(address.value)

export const sameIPAddress = (a: IPAddress, b: IPAddress): boolean =>
  a.family === b.family && a.value === b.value
