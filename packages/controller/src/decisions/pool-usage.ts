/**
 * How full pools are, from blocks that are known by their facts only. What a pool can give out is
 * what is given out and what is left: an address that is reserved and free counts as neither.
 */

import {
  addressAt,
  addressCount,
  type CIDR,
  type CIDRSet,
  containsCIDR,
  parseCIDRMasked,
  setContains,
  setCountIn,
  setIntersects,
  trustedCIDR,
} from '@hc-calico/ipam-core/ip'
import { isLeft } from 'fp-ts/lib/Either.js'

/** The part of a pool that counts here. */
export interface NamedPool {
  readonly name: string
  readonly cidr: string
}

/** The part of a block that counts here. */
export interface UsedBlock {
  readonly cidr: string
  readonly size: number
  readonly free: number
  readonly cooling: ReadonlyArray<number>
  readonly allocations: ReadonlyArray<{ readonly ordinal: number }>
}

export interface PoolUsage {
  readonly name: string
  readonly cidr: string
  /** Addresses of the CIDR. */
  readonly size: bigint
  readonly reserved: bigint
  /** Given out, or released and still cooling down. */
  readonly used: bigint
  /** Automatic assignment can still give these out. */
  readonly free: bigint
}

interface ParsedPool {
  readonly pool: NamedPool
  readonly cidr: CIDR
}

/** Finds the pool that a CIDR lies in; undefined for one in no pool. */
export type PoolFinder = (cidr: CIDR) => NamedPool | undefined

const parsed = (pools: ReadonlyArray<NamedPool>): ReadonlyArray<ParsedPool> =>
  pools.flatMap((pool) => {
    const cidr = parseCIDRMasked(pool.cidr)
    return isLeft(cidr) ? [] : [{ pool, cidr: cidr.right }]
  })

/** The last of the sorted pools that begins at or before a value. */
const lastNotAfter = (sorted: ReadonlyArray<ParsedPool>, base: bigint): ParsedPool | undefined => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as ParsedPool).cidr.base <= base) low = middle + 1
    else high = middle
  }
  return sorted[low - 1]
}

/** Pools do not overlap, so the one that begins last before an address is the only candidate. */
export const poolFinder = (pools: ReadonlyArray<NamedPool>): PoolFinder => {
  const all = [...parsed(pools)].sort((a, b) => (a.cidr.base < b.cidr.base ? -1 : 1))
  const byFamily = {
    4: all.filter(({ cidr }) => cidr.family === 4),
    6: all.filter(({ cidr }) => cidr.family === 6),
  }
  return (cidr) => {
    const found = lastNotAfter(byFamily[cidr.family], cidr.base)
    return found !== undefined && containsCIDR(found.cidr, cidr) ? found.pool : undefined
  }
}

/** Ordinals that are free and not reserved. */
const assignable = (block: UsedBlock, cidr: CIDR, reserved: CIDRSet): number => {
  if (!setIntersects(reserved, cidr)) return block.free
  const taken = new Set([...block.cooling, ...block.allocations.map(({ ordinal }) => ordinal)])
  const ordinals = Array.from({ length: block.size }, (_, ordinal) => ordinal)
  const isOpen = (o: number) => !taken.has(o) && !setContains(reserved, addressAt(cidr, o))
  // An ordinal can be neither allocated nor listed as free (kept for a host): never more than that.
  return Math.min(block.free, ordinals.filter(isOpen).length)
}

interface Tally {
  used: bigint
  free: bigint
  /** Addresses in blocks, and the reserved ones among them. */
  carved: bigint
  carvedReserved: bigint
}

const tallies = (
  blocks: Iterable<UsedBlock>,
  find: PoolFinder,
  reserved: CIDRSet,
): ReadonlyMap<string, Tally> => {
  const found = new Map<string, Tally>()
  for (const block of blocks) {
    const cidr = trustedCIDR(block.cidr)
    const pool = find(cidr)
    if (pool === undefined) continue
    const tally = found.get(pool.name) ?? { used: 0n, free: 0n, carved: 0n, carvedReserved: 0n }
    tally.used += BigInt(block.size - block.free)
    tally.free += BigInt(assignable(block, cidr, reserved))
    tally.carved += BigInt(block.size)
    tally.carvedReserved += setCountIn(reserved, cidr)
    found.set(pool.name, tally)
  }
  return found
}

/** By the pool's name. A pool whose CIDR cannot be read is left out. */
export const poolUsage = (
  pools: ReadonlyArray<NamedPool>,
  blocks: Iterable<UsedBlock>,
  reserved: CIDRSet,
): ReadonlyMap<string, PoolUsage> => {
  const found = tallies(blocks, poolFinder(pools), reserved)
  const usages = parsed(pools).map(({ pool, cidr }): readonly [string, PoolUsage] => {
    const { name } = pool
    const tally = found.get(name) ?? { used: 0n, free: 0n, carved: 0n, carvedReserved: 0n }
    const size = addressCount(cidr)
    const reservedIn = setCountIn(reserved, cidr)
    const uncarved = size - tally.carved - (reservedIn - tally.carvedReserved)
    const free = tally.free + (uncarved > 0n ? uncarved : 0n)
    return [name, { name, cidr: pool.cidr, size, reserved: reservedIn, used: tally.used, free }]
  })
  return new Map(usages)
}
