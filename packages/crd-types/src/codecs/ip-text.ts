/**
 * Reads and writes IP address text. Stored keys, names and map keys hold IPv6 in RFC 5952 form, so
 * every document that carries an address or CIDR is brought to that form when read. Strict on
 * purpose: no leading zeros (Go refuses them since 1.17), no zones, no shorthand.
 */
export interface ParsedAddress {
  readonly family: 4 | 6
  /** 4 or 8 groups, most significant first. */
  readonly groups: ReadonlyArray<number>
}

const decimal = /^(0|[1-9]\d{0,2})$/
const hexadecimal = /^[0-9a-fA-F]{1,4}$/

export const parseAddress = (text: string): ParsedAddress | undefined => {
  const groups = text.includes(':') ? parse6(text) : parse4(text)
  if (groups === undefined) return undefined
  // An IPv4-mapped address is an IPv4 address to Go, so it is one here.
  const mapped = groups.length === 8 && groups.slice(0, 5).every((g) => g === 0)
  if (!mapped || groups[5] !== 0xffff) return { family: groups.length === 4 ? 4 : 6, groups }
  const [high = 0, low = 0] = groups.slice(6)
  return { family: 4, groups: [high >> 8, high & 255, low >> 8, low & 255] }
}

const parse4 = (text: string): ReadonlyArray<number> | undefined => {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => decimal.test(part))) return undefined
  const octets = parts.map(Number)
  return octets.every((octet) => octet <= 255) ? octets : undefined
}

const parse6 = (text: string): ReadonlyArray<number> | undefined => {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = '', tail] = halves
  const left = parseGroups(head, tail === undefined)
  if (tail === undefined) return left?.length === 8 ? left : undefined
  const right = parseGroups(tail, true)
  if (left === undefined || right === undefined) return undefined
  const missing = 8 - left.length - right.length
  return missing < 1 ? undefined : [...left, ...new Array<number>(missing).fill(0), ...right]
}

/** Groups between colons; the last part of an address may be dotted IPv4. */
const parseGroups = (text: string, last: boolean): ReadonlyArray<number> | undefined => {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    const octets = last && index === parts.length - 1 ? parse4(part) : undefined
    if (octets !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = octets
      groups.push(a * 256 + b, c * 256 + d)
    } else if (hexadecimal.test(part)) {
      groups.push(Number.parseInt(part, 16))
    } else return undefined
  }
  return groups
}

export const formatAddress = (address: ParsedAddress): string => {
  if (address.family === 4) return address.groups.join('.')
  const [start, length] = longestZeroRun(address.groups)
  const hex = address.groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

const longestZeroRun = (
  groups: ReadonlyArray<number>,
): readonly [start: number, length: number] => {
  let best: readonly [number, number] = [0, 0]
  let length = 0
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best[1]) best = [index - length + 1, length]
  }
  return best
}

const prefixText = /^(0|[1-9]\d{0,2})$/

export interface ParsedCIDR {
  readonly family: 4 | 6
  readonly prefixLength: number
  /** Canonical text, host bits zero. */
  readonly text: string
}

export const parseCIDR = (text: string): ParsedCIDR | undefined => {
  const slash = text.indexOf('/')
  const prefix = text.slice(slash + 1)
  if (slash === -1 || !prefixText.test(prefix)) return undefined
  const address = parseAddress(text.slice(0, slash))
  const prefixLength = Number(prefix)
  if (address === undefined || prefixLength > (address.family === 4 ? 32 : 128)) return undefined
  const bits = address.family === 4 ? 8 : 16
  const groups = address.groups.map((group, index) => {
    const kept = Math.min(Math.max(prefixLength - index * bits, 0), bits)
    return group & (((1 << kept) - 1) << (bits - kept))
  })
  const network = formatAddress({ family: address.family, groups })
  return { family: address.family, prefixLength, text: `${network}/${prefixLength}` }
}
