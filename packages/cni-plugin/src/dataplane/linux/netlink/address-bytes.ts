/**
 * Addresses between text and the bytes the kernel wants. Only text that was validated before comes
 * here; text goes out in canonical form (RFC 5952), so that it can be compared.
 */
import { AF_INET, AF_INET6 } from './constants.ts'

export type AddressFamily = typeof AF_INET | typeof AF_INET6

export const familyOf = (address: string): AddressFamily =>
  address.includes(':') ? AF_INET6 : AF_INET

export const addressBits = (family: number): number => (family === AF_INET6 ? 128 : 32)

const ipv4ToBytes = (address: string): number[] => address.split('.').map(Number)

const groupsToBytes = (part: string): number[] =>
  part.split(':').flatMap((group) => {
    if (group === '') return []
    if (group.includes('.')) return ipv4ToBytes(group)
    const value = /^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16) : Number.NaN
    return [Math.floor(value / 256), value % 256]
  })

const ipv6ToBytes = (address: string): number[] => {
  const [head = '', tail] = address.split('::')
  const front = groupsToBytes(head)
  if (tail === undefined) return front
  const back = groupsToBytes(tail)
  return [...front, ...Array<number>(Math.max(0, 16 - front.length - back.length)).fill(0), ...back]
}

/** 4 or 16 bytes in network order. Throws on what is not an address. */
export const addressToBytes = (address: string): Uint8Array => {
  const isIPv6 = familyOf(address) === AF_INET6
  const numbers = isIPv6 ? ipv6ToBytes(address) : ipv4ToBytes(address)
  const fits = numbers.every((value) => Number.isInteger(value) && value >= 0 && value <= 0xff)
  if (!fits || numbers.length !== (isIPv6 ? 16 : 4)) {
    throw new Error(`not an IP address: ${JSON.stringify(address)}`)
  }
  return Uint8Array.from(numbers)
}

/** Start and length of the longest run of zero groups; RFC 5952 shortens only two or more. */
const longestZeroRun = (groups: ReadonlyArray<number>): { start: number; length: number } => {
  let best = { start: -1, length: 1 }
  let start = 0
  for (let at = 0; at <= groups.length; at += 1) {
    if (groups[at] === 0) continue
    if (at - start > best.length) best = { start, length: at - start }
    start = at + 1
  }
  return best
}

const ipv6ToText = (bytes: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, at) => {
    return ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)
  })
  const run = longestZeroRun(groups)
  const hex = (part: ReadonlyArray<number>) => part.map((group) => group.toString(16)).join(':')
  if (run.start < 0) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

export const addressToText = (bytes: Uint8Array): string =>
  bytes.length === 16 ? ipv6ToText(bytes) : Array.from(bytes).join('.')

/** `aa:bb:cc:dd:ee:ff` to six bytes. Throws on what is not a MAC address. */
export const macToBytes = (mac: string): Uint8Array => {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) {
    throw new Error(`not a MAC address: ${JSON.stringify(mac)}`)
  }
  return Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16))
}

/** Lower case, colons. */
export const macToText = (bytes: Uint8Array): string =>
  Array.from(bytes, (value) => value.toString(16).padStart(2, '0')).join(':')

/** The IPv6 link-local address the kernel derives from a MAC address (RFC 4291, appendix A). */
export const linkLocalOf = (mac: string): string => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = macToBytes(mac)
  const prefix = [0xfe, 0x80, 0, 0, 0, 0, 0, 0]
  return addressToText(Uint8Array.of(...prefix, a ^ 2, b, c, 0xff, 0xfe, d, e, f))
}
