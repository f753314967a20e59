/**
 * The host's own blocks, in list order, those with room first: an address from there costs the
 * fewest round trips and keeps the host's routes few. What is found broken on the way is repaired:
 * - ours but not confirmed, although it has addresses in use: nobody routes to it, so at once;
 *   without any, only when there is no better block, because its giving back may be under way;
 * - somebody else's (or nobody's) although we have an affinity: the affinity is stale and goes;
 * - missing although we have an affinity: left to the next stage, which claims it first.
 */

import { trustedCIDR } from '../ip/cidr.ts'
import type { Block } from '../model/block.ts'
import type { KeyValue, Write } from '../ports/datastore.ts'
import { attemptAt } from './allocation-attempt.ts'
import { isEmpty, touched } from './block-changes.ts'
import { claimCounted } from './claim-block.ts'
import { readMore } from './decision.ts'
import {
  affinityAt,
  affinityKey,
  blockAt,
  blockKey,
  enter,
  type Ground,
  go,
  type Hunt,
  hasRoom,
  isMine,
  type Known,
  type Move,
  ownBlocks,
  stepTo,
  withoutOwn,
} from './hunt.ts'

/** Own blocks read at once: few at first, because a node seldom has more, then many. */
const ownReadMin = 16
const ownReadMax = 64

interface OwnBlock {
  readonly cidr: string
  readonly affinity: KeyValue<'BlockAffinity'>
  readonly block: Known<KeyValue<'Block'>>
}

const look = (ground: Ground, hunt: Hunt): ReadonlyArray<OwnBlock> =>
  ownBlocks(ground, hunt).flatMap((cidr) => {
    const affinity = affinityAt(ground, ground.plan.owner, cidr)
    if (affinity.tag !== 'Stored') return []
    return [{ cidr, affinity: affinity.stored, block: blockAt(ground, cidr) }]
  })

/** Legacy affinities have no state; they count as confirmed. */
const isConfirmed = ({ affinity }: OwnBlock): boolean =>
  affinity.value.state === 'confirmed' || affinity.value.state === ''

const ownsBlock = (ground: Ground, { block }: OwnBlock, ask: (block: Block) => boolean): boolean =>
  block.tag === 'Stored' && isMine(ground, block.stored.value) && ask(block.stored.value)

/**
 * Drives an affinity back to confirmed. The block is rewritten so that whoever was giving it back
 * fails; where commits are not atomic the affinity passes through pending first.
 */
export const confirmBlock = ({ plan, situation }: Ground, hunt: Hunt, own: OwnBlock): Move => {
  const { cidr, affinity, block } = own
  if (block.tag !== 'Stored') throw new Error(`bug: block ${cidr} cannot be repaired unread`)
  const isAtomic = situation.capabilities.atomicCommit === true
  const state = isAtomic ? 'confirmed' : 'pending'
  const key = affinityKey(plan.owner, cidr)
  const value = { ...affinity.value, state } as const
  const writes: Write[] = [
    { op: 'update', key, value, revision: affinity.revision },
    {
      op: 'update',
      key: blockKey(cidr),
      value: touched(block.stored.value),
      revision: block.stored.revision,
    },
  ]
  const progress: Hunt = isAtomic
    ? hunt
    : { ...hunt, chores: [...hunt.chores, { tag: 'Confirm', cidr }] }
  return stepTo({ tag: 'Write', writes, progress, ifConflict: hunt, ifUnknown: hunt })
}

const take = (ground: Ground, hunt: Hunt, own: OwnBlock): Move => {
  if (ground.plan.purpose === 'Ensure') return enter({ ...hunt, ensured: own.cidr }, 'Finish')
  if (own.block.tag !== 'Stored') throw new Error(`bug: block ${own.cidr} cannot be used unread`)
  return attemptAt(ground, hunt, { cidr: trustedCIDR(own.cidr), stored: own.block.stored })
}

/** The next move as long as the host's own blocks may serve. */
export const ownStage = (ground: Ground, hunt: Hunt): Move => {
  const counted = claimCounted(ground, hunt)
  if (counted !== undefined) return counted
  const own = look(ground, hunt)
  const serves = (block: Block): boolean =>
    ground.plan.purpose === 'Ensure' || hasRoom(ground, block)
  const isUnrouted = (one: OwnBlock): boolean =>
    !isConfirmed(one) && ownsBlock(ground, one, (block) => !isEmpty(block))
  const unrouted = own.find(isUnrouted)
  if (unrouted !== undefined) return confirmBlock(ground, hunt, unrouted)
  const best = own.find((one) => isConfirmed(one) && ownsBlock(ground, one, serves))
  if (best !== undefined) return take(ground, hunt, best)
  const unread = own.filter(({ block }) => block.tag === 'Unread')
  if (unread.length > 0) {
    const readMax = unread.length === own.length ? ownReadMin : ownReadMax
    const queries = unread.slice(0, readMax).map(({ cidr }) => ({ get: blockKey(cidr) }))
    return stepTo(readMore(queries, hunt))
  }
  const stale = own.filter(
    ({ block }) => block.tag === 'Stored' && !isMine(ground, block.stored.value),
  )
  if (stale.length > 0) {
    return go(stale.reduce((rest, { cidr }) => withoutOwn(ground, rest, cidr), hunt))
  }
  const second = own.find((one) => !isConfirmed(one) && ownsBlock(ground, one, serves))
  return second === undefined ? enter(hunt, 'Claim') : confirmBlock(ground, hunt, second)
}
