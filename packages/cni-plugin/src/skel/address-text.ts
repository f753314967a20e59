/**
 * Whether a text is an IP address or a CIDR: no leading zeros, no zone, no short forms. Only the
 * shape; canonical text and arithmetic are the core's. Our own check, because loading the runtime's
 * network module for its `isIP` costs every call 2 ms.
 */
const octet = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${octet}(\\.${octet}){3}$`)
const group = /^[0-9a-f]{1,4}$/i

/** How many of the eight groups a side of `::` holds; a dotted tail stands for two. */
const groupsIn = (side: string, mayEndDotted: boolean): number => {
  if (side === '') return 0
  const parts = side.split(':')
  const last = parts.at(-1) ?? ''
  const isDotted = mayEndDotted && ipv4.test(last)
  const plain = isDotted ? parts.slice(0, -1) : parts
  return plain.every((part) => group.test(part)) ? plain.length + (isDotted ? 2 : 0) : Number.NaN
}

const isIPv6Text = (text: string): boolean => {
  const sides = text.split('::')
  const [head = '', tail] = sides
  if (tail === undefined) return groupsIn(head, true) === 8
  return sides.length === 2 && groupsIn(head, false) + groupsIn(tail, true) <= 7
}

export const isAddressText = (text: string): boolean =>
  text.includes(':') ? isIPv6Text(text) : ipv4.test(text)

export const familyOfText = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

export const isCIDRText = (text: string): boolean => {
  const [address = '', prefix = '', ...rest] = text.split('/')
  if (rest.length > 0 || !isAddressText(address) || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return false
  return Number(prefix) <= (familyOfText(address) === 4 ? 32 : 128)
}
