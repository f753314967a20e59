/**
 * The few address computations the plugin needs, on canonical text (RFC 5952): the form of every
 * key, name and result.
 */
import { familyOfText, isAddressText, isCIDRText } from './skel/address-text.ts'

export const familyOf = familyOfText

const toNumber4 = (text: string): bigint =>
  text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)

const groupsOf = (part: string): ReadonlyArray<string> => (part === '' ? [] : part.split(':'))

const withoutDotted = (text: string): string =>
  text.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const value = toNumber4(dotted)
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
  })

const toNumber6 = (text: string): bigint => {
  const [head = '', tail] = withoutDotted(text).split('::')
  const left = groupsOf(head)
  const right = groupsOf(tail ?? '')
  const zeros = Array(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].reduce(
    (sum, group) => sum * 65536n + BigInt(`0x${group}`),
    0n,
  )
}

const toText4 = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')

const toText6 = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(16 * (7 - i))) & 0xffffn).toString(16),
  )
  const runs = groups.map((_, start) => {
    let length = 0
    while (groups[start + length] === '0') length += 1
    return { start, length }
  })
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best))
  if (longest.length < 2) return groups.join(':')
  const head = groups.slice(0, longest.start).join(':')
  return `${head}::${groups.slice(longest.start + longest.length).join(':')}`
}

const toNumber = (address: string): bigint =>
  familyOf(address) === 4 ? toNumber4(address) : toNumber6(address)
const toText = (value: bigint, family: 4 | 6): string =>
  family === 4 ? toText4(value) : toText6(value)
const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128)

/** Undefined: not an address. */
export const canonicalAddress = (text: string): string | undefined =>
  isAddressText(text) ? toText(toNumber(text), familyOf(text)) : undefined

/** The CIDR with its host bits cleared; undefined: not a CIDR. */
export const canonicalCIDR = (text: string): string | undefined => {
  if (!isCIDRText(text)) return undefined
  const [address = '', prefix = ''] = text.split('/')
  const family = familyOf(address)
  const hostBits = BigInt(bitsOf(family) - Number(prefix))
  return `${toText((toNumber(address) >> hostBits) << hostBits, family)}/${prefix}`
}

/** `10.0.0.5/26` -> `10.0.0.5`. */
export const addressOf = (cidr: string): string => {
  const [address = ''] = cidr.split('/')
  return canonicalAddress(address) ?? address
}

export const prefixOf = (cidr: string): number => Number(cidr.split('/')[1])

/** `10.0.0.5` -> `10.0.0.5/32`. */
export const asHostCIDR = (address: string): string => `${address}/${bitsOf(familyOf(address))}`

export const isHostCIDR = (cidr: string): boolean => prefixOf(cidr) === bitsOf(familyOf(cidr))

/** Whether an address lies in a CIDR of either family. */
export const contains = (cidr: string, address: string): boolean =>
  familyOf(cidr) === familyOf(address) &&
  canonicalCIDR(`${address}/${prefixOf(cidr)}`) === canonicalCIDR(cidr)

/** The address `offset` places after the first of the CIDR. */
export const addressAt = (cidr: string, offset: number): string => {
  const network = addressOf(canonicalCIDR(cidr) ?? cidr)
  return toText(toNumber(network) + BigInt(offset), familyOf(cidr))
}
