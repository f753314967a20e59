/**
 * How full pools and blocks are. A reserved address counts as reserved whether it is allocated or
 * not, and also where no block has been cut yet. A pool's size may exceed what a number can count
 * exactly; then its figures stop at the largest exact one.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import {
  addressCount,
  type CIDR,
  formatCIDR,
  overlaps,
  parseCIDRMasked,
  trustedCIDR,
} from '../ip/cidr.ts'
import { type CIDRSet, cidrSet, setCountIn } from '../ip/cidr-set.ts'
import { blockAddresses } from '../ip/ordinal.ts'
import type { BlockUtilization, PoolUtilization } from '../ipam.ts'
import type { Block } from '../model/block.ts'
import type { IPPool } from '../model/ip-pool.ts'
import { assignableOrdinals } from './block-changes.ts'
import { type Decision, done, readMore } from './decision.ts'
import { reservedAddresses } from './reserved-addresses.ts'
import { listIn, notYetRead } from './snapshot.ts'

/** A block with its CIDR parsed. */
interface KnownBlock {
  readonly cidr: CIDR
  readonly block: Block
}

const saturated = (count: bigint): number =>
  count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count)

export const blockUtilization = (block: Block, reserved: CIDRSet): BlockUtilization => {
  const cidr = trustedCIDR(block.cidr)
  const capacity = blockAddresses(cidr)
  return {
    cidr: block.cidr,
    capacity,
    inUse: capacity - block.unallocated.length,
    reserved: Number(setCountIn(reserved, cidr)),
    available: assignableOrdinals(block, reserved).length,
  }
}

/** Unreserved addresses of the pool that lie in no block. */
const uncarved = (pool: CIDR, blocks: ReadonlyArray<KnownBlock>, reserved: CIDRSet): bigint => {
  const inPool = blocks.map(({ cidr }) => (cidr.prefixLength < pool.prefixLength ? pool : cidr))
  const carved = setCountIn(cidrSet(inPool), pool)
  const reservedInBlocks = inPool.reduce((sum, cidr) => sum + setCountIn(reserved, cidr), 0n)
  return addressCount(pool) - carved - (setCountIn(reserved, pool) - reservedInBlocks)
}

const poolUtilization = (
  pool: IPPool,
  cidr: CIDR,
  known: ReadonlyArray<KnownBlock>,
  reserved: CIDRSet,
): PoolUtilization => {
  const blocks = known.map(({ block }) => blockUtilization(block, reserved))
  const inBlocks = blocks.reduce((sum, block) => sum + BigInt(block.available), 0n)
  return {
    name: pool.name,
    cidr: pool.cidr,
    capacity: saturated(addressCount(cidr)),
    inUse: blocks.reduce((sum, block) => sum + block.inUse, 0),
    reserved: saturated(setCountIn(reserved, cidr)),
    available: saturated(inBlocks + uncarved(cidr, known, reserved)),
    blocks,
  }
}

interface KnownPool {
  readonly pool: IPPool
  readonly cidr: CIDR
}

/** The pools asked for; refuses a name or CIDR that no pool has. */
const wantedPools = (
  pools: ReadonlyArray<KnownPool>,
  wanted: ReadonlyArray<string>,
): Either<Refusal, ReadonlyArray<KnownPool>> => {
  if (wanted.length === 0) return right(pools)
  const found = new Set<KnownPool>()
  for (const text of wanted) {
    const cidr = parseCIDRMasked(text)
    const canonical = isLeft(cidr) ? text : formatCIDR(cidr.right)
    const match = pools.find(({ pool }) => pool.name === text || pool.cidr === canonical)
    if (match === undefined) {
      return left(refuse('NotFound', `there is no pool with the name or CIDR '${text}'`))
    }
    found.add(match)
  }
  return right(pools.filter((pool) => found.has(pool)))
}

/** The first pool that shares an address with the block owns it. */
const byPool = (
  pools: ReadonlyArray<KnownPool>,
  blocks: ReadonlyArray<KnownBlock>,
): ReadonlyMap<KnownPool | undefined, ReadonlyArray<KnownBlock>> => {
  const sorted = new Map<KnownPool | undefined, KnownBlock[]>()
  for (const one of blocks) {
    const owner = pools.find(({ cidr }) => overlaps(cidr, one.cidr))
    const known = sorted.get(owner)
    if (known === undefined) sorted.set(owner, [one])
    else known.push(one)
  }
  return sorted
}

const queries = [{ list: 'IPPool' }, { list: 'IPReservation' }, { list: 'Block' }] as const

/** Utilization of the pools asked for; of all, and of blocks in no pool, when none is named. */
export const utilizationDecision = (
  wanted: ReadonlyArray<string>,
): Decision<undefined, ReadonlyArray<PoolUtilization>> => ({
  operation: 'getUtilization',
  start: undefined,
  decide: ({ snapshot }) => {
    if (notYetRead(snapshot, queries).length > 0) return right(readMore(queries, undefined))
    const pools = listIn(snapshot, queries[0]).flatMap(({ value: pool }) => {
      const cidr = parseCIDRMasked(pool.cidr)
      return isLeft(cidr) ? [] : [{ pool, cidr: cidr.right }]
    })
    const chosen = wantedPools(pools, wanted)
    if (isLeft(chosen)) return chosen
    const reserved = reservedAddresses(listIn(snapshot, queries[1]).map((one) => one.value))
    const blocks = listIn(snapshot, queries[2]).map(({ value: block }) => ({
      block,
      cidr: trustedCIDR(block.cidr),
    }))
    const sorted = byPool(pools, blocks)
    const result = chosen.right.map((one) =>
      poolUtilization(one.pool, one.cidr, sorted.get(one) ?? [], reserved),
    )
    if (wanted.length > 0) return right(done(result))
    const orphans = (sorted.get(undefined) ?? []).map(({ block }) =>
      blockUtilization(block, reserved),
    )
    return right(
      done([...result, { name: 'orphaned allocation blocks', cidr: '0.0.0.0/0', blocks: orphans }]),
    )
  },
})
