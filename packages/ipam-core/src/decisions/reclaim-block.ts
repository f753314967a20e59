/**
 * When no candidate is free: blocks of others that hold nothing and were claimed a while ago. The
 * owner's affinity goes to pendingDeletion, the empty block goes (both on the revisions read, so
 * that an owner who takes an address meanwhile wins), then the affinity. After that the block is an
 * ordinary candidate, for us or for whoever is faster.
 */

import { refuse } from '../errors.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { ownerOf } from '../model/affinity-text.ts'
import type { Block } from '../model/block.ts'
import { instantOf } from '../model/instant-text.ts'
import type { KeyValue, Write } from '../ports/datastore.ts'
import { roomOfNew } from './allocation-attempt.ts'
import { isEmpty } from './block-changes.ts'
import { claimAt } from './claim-block.ts'
import { readAgain, readMore } from './decision.ts'
import {
  affinityAt,
  affinityKey,
  blockAt,
  enter,
  type Ground,
  giveUp,
  type Hunt,
  hasRoom,
  isMine,
  type Move,
  stepTo,
  warm,
  withMessage,
} from './hunt.ts'

/** A claim time nobody recorded is taken to be long ago. */
const isOldEnough = ({ plan, situation }: Ground, block: Block): boolean => {
  const claimed = block.affinityClaimTime && instantOf(block.affinityClaimTime)
  const ageMsMin = BigInt(plan.reclaimAgeMsMin)
  return !claimed || situation.now - claimed >= ageMsMin * 1_000_000n
}

const isReclaimable = (ground: Ground, block: Block): boolean =>
  !isMine(ground, block) &&
  ownerOf(block.affinity) !== undefined &&
  isOldEnough(ground, block) &&
  isEmpty(warm(ground, block)) &&
  hasRoom(ground, block)

/** Takes an empty block away from its owner; on any conflict the search goes on behind it. */
const takeAway = (ground: Ground, hunt: Hunt, block: KeyValue<'Block'>): Move => {
  const { cidr, affinity } = block.value
  const owner = ownerOf(affinity)
  if (owner === undefined) throw new Error(`bug: block ${cidr} has no owner to take it from`)
  const key = affinityKey(owner, cidr)
  const theirs = affinityAt(ground, owner, cidr)
  if (theirs.tag === 'Unread') return stepTo(readMore([{ get: key }], hunt))
  const removal: Write = { op: 'delete', key: block.key, revision: block.revision }
  const taken: Hunt = { ...hunt, chores: [...hunt.chores, { tag: 'DropTheirs', key }] }
  const next: Hunt = { ...hunt, cursor: hunt.cursor + 1 }
  if (theirs.tag === 'Absent') {
    // Perhaps claimed anew since we looked: an owner's affinity always comes before its block.
    if (hunt.unclaimed !== block.revision) {
      return stepTo(readAgain([{ get: key }], { ...hunt, unclaimed: block.revision }))
    }
    return stepTo({ tag: 'Write', writes: [removal], progress: hunt, ifConflict: next })
  }
  const { value, revision } = theirs.stored
  const leaving = { ...value, state: 'pendingDeletion' } as const
  return stepTo({
    tag: 'Write',
    writes: [{ op: 'update', key, value: leaving, revision }, removal],
    progress: taken,
    ifConflict: next,
    ifPartial: () => ({
      ...next,
      chores: [...next.chores, { tag: 'Restore', key }],
    }),
    ifUnknown: taken,
  })
}

const nothingLeft = (ground: Ground, hunt: Hunt): Move => {
  const { purpose, config } = ground.plan
  if (purpose === 'Ensure') return giveUp(hunt, refuse('NoFreeBlocks', 'No Free Blocks'))
  if (!config.strictAffinity) return enter(hunt, 'Borrow')
  const message = 'No more free affine blocks and strict affinity enabled'
  return enter(withMessage(hunt, message), 'Finish')
}

/** The next move while empty blocks of others may be had. */
export const reclaimStage = (ground: Ground, hunt: Hunt): Move => {
  for (let { cursor } = hunt; cursor < hunt.met.length; cursor += 1) {
    const cidr = hunt.met[cursor] as string
    const block = blockAt(ground, cidr)
    const isOurs = affinityAt(ground, ground.plan.owner, cidr).tag === 'Stored'
    // We claimed it and somebody was faster, or the reply got lost: the first stage sorts it out.
    if (isOurs && !hunt.alsoOwn.includes(cidr) && !hunt.notOwn.includes(cidr)) {
      return enter({ ...hunt, alsoOwn: [...hunt.alsoOwn, cidr] }, 'Own')
    }
    const here: Hunt = { ...hunt, cursor }
    const isGone = block.tag === 'Absent' && roomOfNew(ground, trustedCIDR(cidr)) > 0
    if (isGone) return claimAt(ground, here, trustedCIDR(cidr))
    if (block.tag === 'Stored' && isReclaimable(ground, block.stored.value)) {
      return takeAway(ground, here, block.stored)
    }
  }
  return nothingLeft(ground, hunt)
}
