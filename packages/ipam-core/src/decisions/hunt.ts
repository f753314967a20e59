/**
 * The memory of one family's search for addresses, and the words its stages share. The order of
 * the stages is the order of preference: blocks the host owns, new ones, empty ones of others,
 * and, where strict affinity allows it, single addresses of others. Each stage looks at the plan,
 * the snapshot and the hunt, and answers one move.
 */
import type { Refusal } from '../errors.ts'
import { containsCIDR, trustedCIDR } from '../ip/cidr.ts'
import { affinityText, type Owner } from '../model/affinity-text.ts'
import type { Block } from '../model/block.ts'
import type { Handle } from '../model/handle.ts'
import type { Key, KeyValue, Revision } from '../ports/datastore.ts'
import type { Plan } from './auto-assign-plan.ts'
import { assignableOrdinals, collectCold } from './block-changes.ts'
import { type WalkPosition, walkStart } from './candidate-blocks.ts'
import type { Situation, Step } from './decision.ts'
import { getIn, wasRead } from './snapshot.ts'

export type Stage = 'Own' | 'Claim' | 'Reclaim' | 'Borrow' | 'Finish'

/** What a commit tried to allocate: enough to recognise it in a block afterwards. */
export interface Attempt {
  readonly cidr: string
  readonly ordinals: ReadonlyArray<number>
  /** The block's sequence number as it was read. */
  readonly sequence: bigint
  /** The handle as the commit would leave it; absent where there is none. */
  readonly handle?: Handle
  /** The commit also claimed the block. */
  readonly claims: boolean
}

/** Addresses that the stored handle counts although no allocation followed. */
export interface Credit {
  readonly cidr: string
  readonly count: number
}

/** A small write that follows another one, possible only after it. */
export type Chore =
  /**
   * Our affinity of a block that is ours becomes `confirmed`. `isDoubtful`: the write of it has failed,
   * so the block may have been given back; `seen`: the version of the affinity known when the block was
   * read again.
   */
  | {
      readonly tag: 'Confirm'
      readonly cidr: string
      readonly isDoubtful?: boolean
      readonly seen?: Revision
    }
  /** Our affinity of a block that is somebody else's goes, unless it has been written since. */
  | { readonly tag: 'DropOwn'; readonly affinity: KeyValue<'BlockAffinity'> }
  /** The affinity of an owner whose empty block we removed goes. */
  | { readonly tag: 'DropTheirs'; readonly key: Key<'BlockAffinity'> }
  /** An owner whose block turned out to be in use gets its affinity back. */
  | {
      readonly tag: 'Restore'
      readonly key: Key<'BlockAffinity'>
      /** Affinity and block have been read after the attempt to take the block. */
      readonly isRead?: boolean
      /** Its affinity has been written, perhaps. */
      readonly isBegun?: boolean
      /** The affinity is pending and the block rewritten, both by us. */
      readonly isFenced?: boolean
    }

export interface Hunt {
  readonly stage: Stage
  /** Addresses with the prefix length of their block; /32 or /128 for those the handle had. */
  readonly assigned: ReadonlyArray<string>
  /** Ordered and unique. */
  readonly messages: ReadonlyArray<string>
  /** Blocks that became ours, or turned out to be ours, since the affinities were listed. */
  readonly alsoOwn: ReadonlyArray<string>
  /** Blocks whose affinity proved stale. */
  readonly notOwn: ReadonlyArray<string>
  readonly position: WalkPosition
  /** Looks at candidates so far: first one at a venture, then reads, each larger than the last. */
  readonly probes: number
  /** Existing blocks the walk has met, in its order: what may be reclaimed or borrowed from. */
  readonly met: ReadonlyArray<string>
  /** Index into `met` while reclaiming and borrowing. */
  readonly cursor: number
  /** The version of a block after which its owner's affinity was read, and was not there. */
  readonly unclaimed?: Revision
  /** Set while the outcome of a commit is unknown. */
  readonly attempt?: Attempt
  /** Commits of unknown outcome that had not happened when last looked; they may yet arrive. */
  readonly late: ReadonlyArray<Attempt>
  /** A conflict came after such a commit: it may be ours, so its objects have to be read again. */
  readonly mustRecheck?: boolean
  readonly credits: ReadonlyArray<Credit>
  /** The version of the handle that was known when the blocks of the credits were last read. */
  readonly creditsSeen?: Revision
  readonly chores: ReadonlyArray<Chore>
  /** The version of the handle that was known when all its blocks were last read. */
  readonly heldAt?: Revision
  /** For purpose `Ensure`: the block. */
  readonly ensured?: string
  readonly refusal?: Refusal
}

export const newHunt: Hunt = {
  stage: 'Own',
  assigned: [],
  messages: [],
  alsoOwn: [],
  notOwn: [],
  position: walkStart,
  probes: 0,
  met: [],
  cursor: 0,
  late: [],
  credits: [],
  chores: [],
}

/** Where a stage looks. */
export interface Ground {
  readonly plan: Plan
  readonly situation: Situation
}

export type HuntStep = Exclude<Step<Hunt, never>, { readonly tag: 'Done' }>

/** A step for the driver, or the next state without one. */
export type Move =
  | { readonly tag: 'Step'; readonly step: HuntStep }
  | { readonly tag: 'Go'; readonly hunt: Hunt }
  | { readonly tag: 'End'; readonly hunt: Hunt }

export const go = (hunt: Hunt): Move => ({ tag: 'Go', hunt })
export const stepTo = (step: HuntStep): Move => ({ tag: 'Step', step })

/** A hunt's step as the step of a decision that keeps the hunt in a progress of its own. */
export const stepOf = <P>(step: HuntStep, wrap: (hunt: Hunt) => P): Step<P, never> => {
  if (step.tag === 'ReadMore') return { ...step, progress: wrap(step.progress) }
  const { ifConflict, ifUnknown, ifPartial } = step
  return {
    tag: 'Write',
    writes: step.writes,
    progress: wrap(step.progress),
    ...(ifConflict === undefined ? {} : { ifConflict: wrap(ifConflict) }),
    ...(ifUnknown === undefined ? {} : { ifUnknown: wrap(ifUnknown) }),
    ...(ifPartial === undefined ? {} : { ifPartial: (applied) => wrap(ifPartial(applied)) }),
  }
}

export const enter = (hunt: Hunt, stage: Stage): Move => go({ ...hunt, stage, cursor: 0 })

/** The hunt is over without (all of) what was wanted, for a reason that is an error. */
export const giveUp = (hunt: Hunt, refusal: Refusal): Move => enter({ ...hunt, refusal }, 'Finish')

export const withMessage = (hunt: Hunt, message: string): Hunt =>
  hunt.messages.includes(message) ? hunt : { ...hunt, messages: [...hunt.messages, message] }

export const stillWanted = ({ plan }: Ground, hunt: Hunt): number => {
  if (plan.purpose === 'Ensure') return hunt.ensured === undefined ? 1 : 0
  return Math.max(0, plan.numRequested - hunt.assigned.length)
}

export const blockKey = (cidr: string): Key<'Block'> => ({ kind: 'Block', cidr })
export const affinityKey = (owner: Owner, cidr: string): Key<'BlockAffinity'> => ({
  kind: 'BlockAffinity',
  ...owner,
  cidr,
})

/** An object as far as it is known: never read, absent, or stored. */
export type Known<T> =
  | { readonly tag: 'Unread' }
  | { readonly tag: 'Absent' }
  | { readonly tag: 'Stored'; readonly stored: T }

const known = <T>(isRead: boolean, find: () => T | undefined): Known<T> => {
  if (!isRead) return { tag: 'Unread' }
  const stored = find()
  return stored === undefined ? { tag: 'Absent' } : { tag: 'Stored', stored }
}

export const blockAt = ({ situation }: Ground, cidr: string): Known<KeyValue<'Block'>> => {
  const { snapshot } = situation
  const key = blockKey(cidr)
  return known(wasRead(snapshot, { get: key }), () => getIn(snapshot, key))
}

export const affinityAt = (
  { situation }: Ground,
  owner: Owner,
  cidr: string,
): Known<KeyValue<'BlockAffinity'>> => {
  const { snapshot } = situation
  const key = affinityKey(owner, cidr)
  return known(wasRead(snapshot, { get: key }), () => getIn(snapshot, key))
}

/** The hunt for which a block is not ours: our affinity, if there is one, goes. */
export const withoutOwn = (ground: Ground, hunt: Hunt, cidr: string): Hunt => {
  const affinity = affinityAt(ground, ground.plan.owner, cidr)
  const drop =
    affinity.tag === 'Stored' ? [{ tag: 'DropOwn', affinity: affinity.stored } as const] : []
  return { ...hunt, notOwn: [...hunt.notOwn, cidr], chores: [...hunt.chores, ...drop] }
}

export const isMine = ({ plan }: Ground, block: Block): boolean =>
  block.affinity === affinityText(plan.owner)

/** The block as it is to be read: cold addresses are free. */
export const warm = ({ plan, situation }: Ground, block: Block): Block =>
  collectCold(block, situation.now, plan.config.ipCooldownSeconds)

/** Whether the block can serve the plan. */
export const hasRoom = (ground: Ground, block: Block): boolean =>
  assignableOrdinals(warm(ground, block), ground.plan.reserved, 1).length > 0

/** Whether the host has an affinity for the block as far as the snapshot knows. */
export const isOwnBlock = (ground: Ground, hunt: Hunt, cidr: string): boolean =>
  affinityAt(ground, ground.plan.owner, cidr).tag === 'Stored' &&
  !hunt.notOwn.includes(cidr) &&
  (hunt.alsoOwn.includes(cidr) || ground.plan.listed.includes(cidr))

export const ownBlocks = (ground: Ground, hunt: Hunt): ReadonlyArray<string> =>
  [...ground.plan.listed, ...hunt.alsoOwn].filter((cidr) => isOwnBlock(ground, hunt, cidr))

/** The stored handle as far as it is known. A new container's is not read before it is created. */
export const storedHandle = (
  { situation }: Ground,
  id: string | undefined,
): KeyValue<'Handle'> | undefined => {
  const key = { kind: 'Handle', id: id ?? '' } as const
  const isKnown = id !== undefined && wasRead(situation.snapshot, { get: key })
  return isKnown ? getIn(situation.snapshot, key) : undefined
}

/** Whether the block is as large as its pool's blocks are now. */
export const hasPoolSize = ({ plan }: Ground, text: string): boolean => {
  const cidr = trustedCIDR(text)
  const pool = plan.pools.find((one) => containsCIDR(one.cidr, cidr))
  return pool?.blockSize === cidr.prefixLength
}
