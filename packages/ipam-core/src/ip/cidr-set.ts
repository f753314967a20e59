/**
 * A set of addresses given as CIDRs: reservations, pools. Kept as sorted, disjoint, merged ranges,
 * so that two adjacent halves cover the whole and every question is a binary search: clusters with
 * thousands of reserved addresses exist.
 */
import type { IPAddress, IPFamily } from './address.ts'
import { type CIDR, lastValue } from './cidr.ts'

interface Range {
  readonly first: bigint
  readonly last: bigint
}

export interface CIDRSet {
  readonly ipv4: ReadonlyArray<Range>
  readonly ipv6: ReadonlyArray<Range>
}

export const emptyCIDRSet: CIDRSet = { ipv4: [], ipv6: [] }

const rangesOf = (set: CIDRSet, family: IPFamily): ReadonlyArray<Range> =>
  family === 4 ? set.ipv4 : set.ipv6

const merged = (ranges: ReadonlyArray<Range>): ReadonlyArray<Range> => {
  const sorted = ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const result: Range[] = []
  for (const range of sorted) {
    const previous = result.at(-1)
    if (previous === undefined || range.first > previous.last + 1n) result.push(range)
    else if (range.last > previous.last) {
      result[result.length - 1] = { first: previous.first, last: range.last }
    }
  }
  return result
}

/** The union of the CIDRs. */
export const cidrSet = (cidrs: ReadonlyArray<CIDR>): CIDRSet => {
  const of = (family: IPFamily): ReadonlyArray<Range> =>
    merged(
      cidrs
        .filter((cidr) => cidr.family === family)
        .map((cidr) => ({ first: cidr.base, last: lastValue(cidr) })),
    )
  return cidrs.length === 0 ? emptyCIDRSet : { ipv4: of(4), ipv6: of(6) }
}

/** Index of the first range that ends at or after `value`. */
const firstEndingAt = (ranges: ReadonlyArray<Range>, value: bigint): number => {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle] as Range).last < value) low = middle + 1
    else high = middle
  }
  return low
}

export const setContains = (set: CIDRSet, address: IPAddress): boolean => {
  const ranges = rangesOf(set, address.family)
  const range = ranges[firstEndingAt(ranges, address.value)]
  return range !== undefined && range.first <= address.value
}

/** Whether every address of the CIDR is in the set, be it through several adjacent members. */
export const setCovers = (set: CIDRSet, cidr: CIDR): boolean => lastCovered(set, cidr) !== undefined

/** Whether at least one address of the CIDR is in the set. */
export const setIntersects = (set: CIDRSet, cidr: CIDR): boolean => {
  const ranges = rangesOf(set, cidr.family)
  const range = ranges[firstEndingAt(ranges, cidr.base)]
  return range !== undefined && range.first <= lastValue(cidr)
}

/** How many addresses of the CIDR are in the set. */
export const setCountIn = (set: CIDRSet, cidr: CIDR): bigint => {
  const ranges = rangesOf(set, cidr.family)
  const last = lastValue(cidr)
  let count = 0n
  for (let i = firstEndingAt(ranges, cidr.base); i < ranges.length; i += 1) {
    const range = ranges[i] as Range
    if (range.first > last) break
    count += range.last - range.first + 1n
    if (range.first < cidr.base) count -= cidr.base - range.first
    if (range.last > last) count -= range.last - last
  }
  return count
}

/** The last address of the run of members that covers the whole CIDR; undefined if none does. */
export const lastCovered = (set: CIDRSet, cidr: CIDR): bigint | undefined => {
  const ranges = rangesOf(set, cidr.family)
  const range = ranges[firstEndingAt(ranges, cidr.base)]
  const covers = range !== undefined && range.first <= cidr.base && range.last >= lastValue(cidr)
  return covers ? range.last : undefined
}
