/**
 * Ranges as people write them (`10.244.100.0-10.244.105.200`), turned into what Calico has: pools,
 * which are CIDRs cut into whole blocks, and reservations, which keep single addresses back. Pools
 * are the fewest CIDRs that hold the range in whole blocks; what they hold beyond the range, and
 * what is excluded, is reserved, so that it is never handed out.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { bitsOf, type IPFamily, type IPFault, parseIPAddress } from './address.ts'
import { type CIDR, formatCIDR, lastValue, parseCIDR } from './cidr.ts'

/** From `first` to `last`, both included. */
export interface AddressRange {
  readonly family: IPFamily
  readonly first: bigint
  readonly last: bigint
}

/** The pools and reservations that serve exactly the wanted addresses. */
export interface RangePlan {
  readonly family: IPFamily
  /** CIDRs of pools, ascending. */
  readonly pools: ReadonlyArray<string>
  /** For `spec.reservedCIDRs` of an IPReservation, ascending; often empty. */
  readonly reservedCIDRs: ReadonlyArray<string>
  /** How many addresses can be handed out. */
  readonly addresses: bigint
}

export interface RangeRequest {
  /** `first-last`, a CIDR, or one address; at least one, all of one family. */
  readonly ranges: ReadonlyArray<string>
  /** The same forms; what lies outside the ranges does not matter. */
  readonly excludes?: ReadonlyArray<string>
  /** Prefix length of the pools' blocks. */
  readonly blockSize: number
}

const fault = (message: string): IPFault => ({ tag: 'NotACIDR', message })

/** Reads `first-last`, a CIDR, or one address. White space around the parts is allowed. */
export const parseAddressRange = (text: string): Either<IPFault, AddressRange> => {
  if (text.includes('/')) {
    const cidr = parseCIDR(text.trim())
    if (isLeft(cidr)) return cidr
    const { family, base } = cidr.right
    return right({ family, first: base, last: lastValue(cidr.right) })
  }
  const [from = '', to = from, ...more] = text.split('-').map((part) => part.trim())
  const first = parseIPAddress(from)
  const last = parseIPAddress(to)
  if (more.length > 0 || isLeft(first) || isLeft(last)) {
    return left(fault(`'${text}' is not a range: write FIRST-LAST, a CIDR, or one address`))
  }
  const { family, value } = first.right
  if (last.right.family !== family) {
    return left(fault(`'${text}' is not a range: its ends are of different families`))
  }
  if (last.right.value < value) {
    return left(fault(`'${text}' is not a range: its last address comes before its first`))
  }
  return right({ family, first: value, last: last.right.value })
}

const parseAll = (texts: ReadonlyArray<string>): Either<IPFault, ReadonlyArray<AddressRange>> => {
  const ranges: AddressRange[] = []
  for (const text of texts) {
    const range = parseAddressRange(text)
    if (isLeft(range)) return range
    ranges.push(range.right)
  }
  return right(ranges)
}

/** Sorted, with those that overlap or touch joined. */
const joined = (ranges: ReadonlyArray<AddressRange>): ReadonlyArray<AddressRange> => {
  const sorted = ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const result: AddressRange[] = []
  for (const range of sorted) {
    const previous = result.at(-1)
    if (previous === undefined || range.first > previous.last + 1n) result.push(range)
    else if (range.last > previous.last)
      result[result.length - 1] = { ...previous, last: range.last }
  }
  return result
}

/** What is in `from` and in none of `taken` (sorted and joined). */
const without = (
  from: AddressRange,
  taken: ReadonlyArray<AddressRange>,
): ReadonlyArray<AddressRange> => {
  const rest: AddressRange[] = []
  let next = from.first
  for (const { first, last } of taken) {
    if (last < next || first > from.last) continue
    if (first > next) rest.push({ ...from, first: next, last: first - 1n })
    next = last + 1n
  }
  return next > from.last ? rest : [...rest, { ...from, first: next }]
}

/** The fewest CIDRs that hold exactly the range. */
export const cidrsOfRange = ({ family, first, last }: AddressRange): ReadonlyArray<CIDR> => {
  const bits = bitsOf(family)
  const cidrs: CIDR[] = []
  for (let base = first; base <= last; ) {
    let hostBits = 0
    while (hostBits < bits) {
      const size = 1n << BigInt(hostBits + 1)
      if (base % size !== 0n || base + size - 1n > last) break
      hostBits += 1
    }
    cidrs.push({ family, base, prefixLength: bits - hostBits })
    base += 1n << BigInt(hostBits)
  }
  return cidrs
}

const inWholeBlocks = (range: AddressRange, blockSize: number): AddressRange => {
  const hostBits = BigInt(bitsOf(range.family) - blockSize)
  return {
    ...range,
    first: (range.first >> hostBits) << hostBits,
    last: (((range.last >> hostBits) + 1n) << hostBits) - 1n,
  }
}

const texts = (ranges: ReadonlyArray<AddressRange>): ReadonlyArray<string> =>
  ranges.flatMap(cidrsOfRange).map(formatCIDR)

const badBlockSize = (family: IPFamily, blockSize: number): IPFault | undefined => {
  const [least, most] = family === 4 ? [20, 32] : [116, 128]
  const isAllowed = Number.isInteger(blockSize) && blockSize >= least && blockSize <= most
  if (isAllowed) return undefined
  return fault(`block size ${blockSize} is not between ${least} and ${most} (IPv${family})`)
}

/** Plans pools for ranges; `left` says which text is wrong and why. */
export const planRanges = (request: RangeRequest): Either<IPFault, RangePlan> => {
  const { blockSize } = request
  const ranges = parseAll(request.ranges)
  if (isLeft(ranges)) return ranges
  const excludes = parseAll(request.excludes ?? [])
  if (isLeft(excludes)) return excludes
  const [one] = ranges.right
  if (one === undefined) return left(fault('no range is given'))
  const { family } = one
  if ([...ranges.right, ...excludes.right].some((range) => range.family !== family)) {
    return left(fault('the ranges and excludes of one plan must be of one family'))
  }
  const bad = badBlockSize(family, blockSize)
  if (bad !== undefined) return left(bad)
  const kept = joined(excludes.right)
  const wanted = joined(ranges.right).flatMap((range) => without(range, kept))
  if (wanted.length === 0) return left(fault('the excludes leave no address of the ranges'))
  const pools = joined(wanted.map((range) => inWholeBlocks(range, blockSize)))
  const addresses = wanted.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)
  const reserved = pools.flatMap((pool) => without(pool, wanted))
  return right({ family, pools: texts(pools), reservedCIDRs: texts(reserved), addresses })
}
