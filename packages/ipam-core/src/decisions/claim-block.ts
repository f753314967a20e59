/**
 * A new block for the host. First one that an affinity of ours names but that does not exist (a
 * claim that was interrupted), then the first candidate of the walk that does not exist. The first
 * candidate nothing is known of is created without looking: in a pool with room it is free more
 * often than not, and where it is taken the failed create brings what is there. After that,
 * candidates are read in growing batches; listing every block of every pool would cost more the
 * larger the cluster is.
 */
import { refuse } from '../errors.ts'
import { type CIDR, formatCIDR, trustedCIDR } from '../ip/cidr.ts'
import type { KeyValue } from '../ports/datastore.ts'
import { attemptAt, roomOfNew } from './allocation-attempt.ts'
import { after, candidateFrom, type WalkPosition } from './candidate-blocks.ts'
import { readMore } from './decision.ts'
import {
  affinityAt,
  blockAt,
  blockKey,
  enter,
  type Ground,
  giveUp,
  go,
  type Hunt,
  hasPoolSize,
  hasRoom,
  isMine,
  isOwnBlock,
  type Move,
  ownBlocks,
  stepTo,
  withMessage,
  withoutOwn,
} from './hunt.ts'

/** Candidates read at once: 8, 16, 32, then 64, which one etcd transaction can still hold. */
const probesMin = 8
const probesMax = 64

/** Claims a block that does not exist, or one that is ours but has no affinity. */
export const claimAt = (
  ground: Ground,
  hunt: Hunt,
  cidr: CIDR,
  stored?: KeyValue<'Block'>,
): Move => {
  const affinity = affinityAt(ground, ground.plan.owner, formatCIDR(cidr))
  const claim = affinity.tag === 'Stored' ? { stored: affinity.stored } : {}
  return attemptAt(ground, hunt, { cidr, claim, ...(stored === undefined ? {} : { stored }) })
}

/**
 * A block that is not there although the handle counts addresses in it: where commits are not atomic, an
 * earlier request under the handle may sleep just before it makes that block. So it is the one to make:
 * the sleeper then finds it, and the addresses of this request.
 */
export const claimCounted = (ground: Ground, hunt: Hunt): Move | undefined => {
  const { plan, situation } = ground
  if (situation.capabilities.atomicCommit === true || plan.purpose === 'Ensure') return undefined
  if (!plan.config.autoAllocateBlocks) return undefined
  const own = ownBlocks(ground, hunt)
  const cidr = hunt.credits
    .map((one) => one.cidr)
    .find((text) => {
      const isAllowed = own.includes(text) || own.length < plan.blocksMax
      const isMissing = blockAt(ground, text).tag === 'Absent' && hasPoolSize(ground, text)
      return isAllowed && isMissing && roomOfNew(ground, trustedCIDR(text)) > 0
    })
  return cidr === undefined ? undefined : claimAt(ground, hunt, trustedCIDR(cidr))
}

const readCandidates = (ground: Ground, hunt: Hunt, from: WalkPosition): Move => {
  const { pools, reserved } = ground.plan
  const wanted = Math.min(probesMax, probesMin * 2 ** (hunt.probes - 1))
  const queries = []
  let position = from
  for (let seen = 0; seen < probesMax && queries.length < wanted; seen += 1) {
    const candidate = candidateFrom(pools, position, reserved)
    if (candidate === undefined) break
    const cidr = formatCIDR(candidate.cidr)
    if (blockAt(ground, cidr).tag === 'Unread') queries.push({ get: blockKey(cidr) })
    position = after(candidate.at)
  }
  return stepTo(readMore(queries, { ...hunt, position: from, probes: hunt.probes + 1 }))
}

/** What to do at one candidate; undefined: walk on. */
const atCandidate = (
  ground: Ground,
  hunt: Hunt,
  cidr: CIDR,
  at: WalkPosition,
): Move | undefined => {
  const text = formatCIDR(cidr)
  const block = blockAt(ground, text)
  const affinity = affinityAt(ground, ground.plan.owner, text)
  const isOwn = isOwnBlock(ground, hunt, text)
  // Somebody else on this host is claiming it: it is one of our own blocks, then.
  if (affinity.tag === 'Stored' && !isOwn && !hunt.notOwn.includes(text)) {
    return enter({ ...hunt, alsoOwn: [...hunt.alsoOwn, text] }, 'Own')
  }
  if (block.tag === 'Stored') {
    const isAdoptable = !isOwn && isMine(ground, block.stored.value)
    const serves = ground.plan.purpose === 'Ensure' || hasRoom(ground, block.stored.value)
    return isAdoptable && serves ? claimAt(ground, hunt, cidr, block.stored) : undefined
  }
  if (roomOfNew(ground, cidr) === 0) return undefined
  if (block.tag === 'Absent') return claimAt(ground, hunt, cidr)
  return hunt.probes === 0
    ? claimAt(ground, { ...hunt, probes: 1 }, cidr)
    : readCandidates(ground, hunt, at)
}

/** Walks over the candidates that are known, up to the first that calls for a move. */
const walk = (ground: Ground, hunt: Hunt): Move => {
  const { pools, reserved } = ground.plan
  const met = [...hunt.met]
  let position = hunt.position
  for (;;) {
    const candidate = candidateFrom(pools, position, reserved)
    const here: Hunt = { ...hunt, position: candidate?.at ?? position, met }
    if (candidate === undefined) return enter(here, 'Reclaim')
    const move = atCandidate(ground, here, candidate.cidr, candidate.at)
    if (move !== undefined) return move
    const text = formatCIDR(candidate.cidr)
    if (blockAt(ground, text).tag === 'Stored') met.push(text)
    position = after(candidate.at)
  }
}

/** An affinity whose block never came to be, or ours to drop because the pool's blocks changed size. */
const interrupted = (ground: Ground, hunt: Hunt): Move | undefined => {
  const missing = ownBlocks(ground, hunt).filter((cidr) => blockAt(ground, cidr).tag === 'Absent')
  const misfit = missing.find((cidr) => !hasPoolSize(ground, cidr))
  if (misfit !== undefined) return go(withoutOwn(ground, hunt, misfit))
  const cidr = missing.map(trustedCIDR).find((one) => roomOfNew(ground, one) > 0)
  return cidr && claimAt(ground, hunt, cidr)
}

/** The next move while a new block may be claimed. */
export const claimStage = (ground: Ground, hunt: Hunt): Move => {
  const resumed = interrupted(ground, hunt)
  if (resumed !== undefined) return resumed
  const { plan } = ground
  if (plan.purpose === 'Assign' && ownBlocks(ground, hunt).length >= plan.blocksMax) {
    const message = `Need to allocate an IPAM block but could not - limit of ${plan.blocksMax} blocks reached for this node`
    const refusal = refuse('BlockLimit', 'cannot allocate new block due to per host block limit')
    return giveUp(withMessage(hunt, message), refusal)
  }
  if (!plan.config.autoAllocateBlocks) {
    return giveUp(hunt, refuse('AutoAllocateDisabled', 'failed to find or claim a block'))
  }
  return walk(ground, hunt)
}
