/**
 * The affinity of every block of a CIDR for one owner: blocks that do not exist are created, the
 * owner's own are confirmed, and those of others are reported, not touched. Block by block, so that
 * one lost race costs one block.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { blockCount, type CIDR, formatCIDR, nthBlock, parseCIDRMasked } from '../ip/cidr.ts'
import { emptyCIDRSet } from '../ip/cidr-set.ts'
import type { AffinityOwner, ClaimAffinityResult } from '../ipam.ts'
import type { IPPool } from '../model/ip-pool.ts'
import { defaultIPAMConfig } from '../model/ipam-config.ts'
import type { Query } from '../ports/datastore.ts'
import { advance } from './advance-hunt.ts'
import type { Plan } from './auto-assign-plan.ts'
import { walkedPool } from './candidate-blocks.ts'
import { confirmBlock } from './choose-block.ts'
import { claimAt } from './claim-block.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import {
  affinityAt,
  affinityKey,
  blockAt,
  blockKey,
  type Ground,
  go,
  type Hunt,
  isMine,
  type Move,
  newHunt,
  stepOf,
  withoutOwn,
} from './hunt.ts'
import { enabledPools, poolOfCIDR } from './select-pools.ts'
import { getIn, listIn, notYetRead } from './snapshot.ts'

/** Blocks one call may claim: a /12 of ordinary ones. */
const blocksPerClaimMax = 16_384n
/** Blocks read at once, each with its affinity. */
const blocksPerRead = 32

export interface ClaimAffinityProgress {
  readonly plan?: Plan
  /** Index of the block under way. */
  readonly index: bigint
  readonly hunt: Hunt
  readonly claimed: ReadonlyArray<string>
  readonly failed: ReadonlyArray<string>
}

type Progress = ClaimAffinityProgress
type Decided = Either<Refusal, Step<Progress, ClaimAffinityResult>>

const pools = { list: 'IPPool' } as const
const config = { get: { kind: 'IPAMConfig' } } as const

/** The enabled pool that a CIDR of whole blocks lies in. Shared with the release of affinities. */
export const poolForBlocks = (all: ReadonlyArray<IPPool>, cidr: CIDR): Either<Refusal, IPPool> => {
  const pool = poolOfCIDR(enabledPools(all), cidr)
  if (pool === undefined) {
    const message = `The requested CIDR (${formatCIDR(cidr)}) is not within any configured pools.`
    return left(refuse('AddressNotInPool', message))
  }
  if (cidr.prefixLength > pool.blockSize) {
    const message = `The requested CIDR (${formatCIDR(cidr)}) is smaller than the minimum.`
    return left(refuse('InvalidRequest', message))
  }
  return right(pool)
}

const planOf = (
  { snapshot, now }: Situation,
  owner: AffinityOwner,
  cidr: CIDR,
  blockSize: number,
): Plan => ({
  purpose: 'Ensure',
  family: cidr.family,
  owner: { type: owner.type, host: owner.host },
  allocation: {},
  numRequested: 0,
  pools: [walkedPool(cidr, blockSize, owner.host, now)],
  reserved: emptyCIDRSet,
  config: getIn(snapshot, config.get)?.value ?? defaultIPAMConfig,
  blocksMax: Number.POSITIVE_INFINITY,
  handleMax: 0,
  reclaimAgeMsMin: Number.POSITIVE_INFINITY,
  listed: [],
  outgrown: [],
})

const end = (hunt: Hunt): Move => ({ tag: 'End', hunt })

/** One block: ends with `ensured` when it is the owner's, without when it is somebody else's. */
const oneBlock =
  (cidr: CIDR) =>
  (ground: Ground, hunt: Hunt): Move => {
    const text = formatCIDR(cidr)
    const block = blockAt(ground, text)
    const affinity = affinityAt(ground, ground.plan.owner, text)
    if (hunt.ensured !== undefined) return end(hunt)
    if (block.tag !== 'Stored') return claimAt(ground, hunt, cidr)
    if (!isMine(ground, block.stored.value)) {
      if (affinity.tag !== 'Stored' || hunt.notOwn.includes(text)) return end(hunt)
      return go(withoutOwn(ground, hunt, text))
    }
    if (affinity.tag !== 'Stored') return claimAt(ground, hunt, cidr, block.stored)
    if (affinity.stored.value.state === 'confirmed') return end({ ...hunt, ensured: text })
    const own = { cidr: text, affinity: affinity.stored, block }
    return confirmBlock(ground, hunt, own)
  }

/** What has to be read about the next blocks. */
const nextQueries = (plan: Plan, from: bigint): ReadonlyArray<Query> => {
  const [pool] = plan.pools
  const queries: Query[] = []
  if (pool === undefined) return queries
  for (let i = from; i < pool.count && queries.length < 2 * blocksPerRead; i += 1n) {
    const cidr = formatCIDR(nthBlock(pool.cidr, pool.blockSize, i))
    queries.push({ get: blockKey(cidr) }, { get: affinityKey(plan.owner, cidr) })
  }
  return queries
}

const claimNext = (situation: Situation, plan: Plan, from: Progress): Decided => {
  const [pool] = plan.pools as [Plan['pools'][number]]
  let progress = from
  while (progress.index < pool.count) {
    const cidr = nthBlock(pool.cidr, pool.blockSize, progress.index)
    const text = formatCIDR(cidr)
    if (notYetRead(situation.snapshot, [{ get: blockKey(text) }]).length > 0) {
      return right(readMore(nextQueries(plan, progress.index), progress))
    }
    const next = advance({ plan, situation }, progress.hunt, oneBlock(cidr))
    const now = progress
    if (next.tag === 'Step') return right(stepOf(next.step, (hunt) => ({ ...now, hunt })))
    const isClaimed = next.hunt.ensured !== undefined
    progress = {
      plan,
      index: now.index + 1n,
      hunt: newHunt,
      claimed: isClaimed ? [...now.claimed, text] : now.claimed,
      failed: isClaimed ? now.failed : [...now.failed, text],
    }
  }
  return right(done({ claimed: progress.claimed, failed: progress.failed }))
}

/** The decision of `claimAffinity`. */
export const claimAffinityDecision = (
  text: string,
  owner: AffinityOwner,
): Decision<Progress, ClaimAffinityResult> => ({
  operation: 'claimAffinity',
  start: { index: 0n, hunt: newHunt, claimed: [], failed: [] },
  decide: (situation, progress) => {
    if (progress.plan !== undefined) return claimNext(situation, progress.plan, progress)
    const cidr = parseCIDRMasked(text)
    if (isLeft(cidr)) return left(refuse('InvalidRequest', cidr.left.message))
    if (owner.host === '') return left(refuse('InvalidRequest', 'the owner must have a name'))
    const queries = notYetRead(situation.snapshot, [pools, config])
    if (queries.length > 0) return right(readMore(queries, progress))
    const all = listIn(situation.snapshot, pools).map(({ value }) => value)
    const pool = poolForBlocks(all, cidr.right)
    if (isLeft(pool)) return pool
    if (blockCount(cidr.right, pool.right.blockSize) > blocksPerClaimMax) {
      const message = `The requested CIDR (${formatCIDR(cidr.right)}) has more than ${blocksPerClaimMax} blocks`
      return left(refuse('InvalidRequest', message))
    }
    const plan = planOf(situation, owner, cidr.right, pool.right.blockSize)
    return claimNext(situation, plan, { ...progress, plan })
  },
})
