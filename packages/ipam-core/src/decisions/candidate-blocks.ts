/**
 * In what order the blocks of pools are tried: pool by pool, each from a start that follows from
 * the host's name, then upwards and around. Every process of one host meets the same candidate
 * first, so two of them converge on one block; different hosts start in different places, so they
 * seldom race. Pools of single-address blocks start at a place that follows from the clock: there
 * a host's blocks would otherwise form one long run of taken candidates to walk through.
 *
 * Wholly reserved blocks are stepped over a range at a time: an IPv6 reservation may hold more
 * blocks than anyone can count.
 */
import { bitsOf } from '../ip/address.ts'
import { blockCount, type CIDR, nthBlock } from '../ip/cidr.ts'
import { type CIDRSet, lastCovered } from '../ip/cidr-set.ts'
import type { Instant } from '../ports/clock.ts'

/** One pool as the walk sees it. */
export interface WalkedPool {
  readonly cidr: CIDR
  /** Prefix length of its blocks. */
  readonly blockSize: number
  readonly count: bigint
  /** Index of the first block to try. */
  readonly start: bigint
}

/** Where a walk stands: so many steps from the start of so many pools. */
export interface WalkPosition {
  readonly pool: number
  readonly step: bigint
}

export const walkStart: WalkPosition = { pool: 0, step: 0n }

/** 32-bit FNV-1, the hash Calico seeds its own walk with. */
const fnv1 = (text: string, salt: number): number => {
  let hash = 2166136261
  for (const char of `${text}\u0000${salt}`) {
    hash = Math.imul(hash, 16777619) ^ (char.codePointAt(0) as number)
  }
  return hash >>> 0
}

/** FNV-1 leaves `node1` and `node2` almost neighbours; this spreads them over all 32 bits. */
const spread = (hash: number): number => {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Below `count`, always the same for one text; 128 bits are more than a pool has blocks. */
const indexOf = (text: string, count: bigint): bigint => {
  let wide = 0n
  for (let salt = 0; salt < 4; salt += 1) wide = (wide << 32n) | BigInt(spread(fnv1(text, salt)))
  return wide % count
}

/** A pool with the place where this host starts in it. */
export const walkedPool = (
  cidr: CIDR,
  blockSize: number,
  host: string,
  now: Instant,
): WalkedPool => {
  const count = blockCount(cidr, blockSize)
  const isSingle = blockSize === bitsOf(cidr.family)
  const seed = isSingle ? `${host} ${now}` : host
  return { cidr, blockSize, count, start: count === 0n ? 0n : indexOf(seed, count) }
}

export interface Candidate {
  readonly cidr: CIDR
  readonly at: WalkPosition
}

/** Steps from `index` over the reserved range that covers its block, or 0 when none does. */
const reservedSteps = (pool: WalkedPool, index: bigint, reserved: CIDRSet): bigint => {
  const last = lastCovered(reserved, nthBlock(pool.cidr, pool.blockSize, index))
  if (last === undefined) return 0n
  const shift = BigInt(bitsOf(pool.cidr.family) - pool.blockSize)
  const next = (last + 1n - pool.cidr.base) >> shift
  return (next < pool.count ? next : pool.count) - index
}

/** The first candidate at or after a position; undefined when every pool has been walked. */
export const candidateFrom = (
  pools: ReadonlyArray<WalkedPool>,
  from: WalkPosition,
  reserved: CIDRSet,
): Candidate | undefined => {
  let { pool: number, step } = from
  for (let pool = pools[number]; pool !== undefined; pool = pools[number]) {
    if (step >= pool.count) {
      number += 1
      step = 0n
      continue
    }
    const index = (pool.start + step) % pool.count
    const over = reservedSteps(pool, index, reserved)
    if (over === 0n) {
      return { cidr: nthBlock(pool.cidr, pool.blockSize, index), at: { pool: number, step } }
    }
    step += over
  }
  return undefined
}

export const after = (position: WalkPosition): WalkPosition => ({
  pool: position.pool,
  step: position.step + 1n,
})
