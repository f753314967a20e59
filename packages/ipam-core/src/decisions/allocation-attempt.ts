/**
 * One commit that takes addresses from one block: the handle first, then (for a new block) the
 * affinity, then the block. A crash in between leaves a handle that counts too much, which release
 * repairs, or a pending affinity, which the host's next request completes. Where commits are atomic
 * the affinity is confirmed in the same commit; otherwise it is pending here and confirmed after.
 *
 * What was written before a commit stopped is remembered as credit (credits.ts). Every attempt writes
 * the handle: that proves that nobody has taken our count out of it meanwhile.
 */
import { type CIDR, formatCIDR, trustedCIDR } from '../ip/cidr.ts'
import { addressInBlock } from '../ip/ordinal.ts'
import { affinityText } from '../model/affinity-text.ts'
import type { Block } from '../model/block.ts'
import type { Handle } from '../model/handle.ts'
import type { KeyValue, Query, Write } from '../ports/datastore.ts'
import {
  allocated,
  assignableOrdinals,
  attributeAt,
  isAttributeOf,
  newBlock,
  touched,
} from './block-changes.ts'
import { creditsAfter, usableCredits, withoutCredits } from './credits.ts'
import { readAgain } from './decision.ts'
import { handleAllowance } from './handle-allowance.ts'
import { emptyHandle, handleWrite, incremented } from './handle-changes.ts'
import {
  type Attempt,
  affinityKey,
  blockAt,
  blockKey,
  type Ground,
  type Hunt,
  type Move,
  stepTo,
  stillWanted,
  storedHandle,
  warm,
} from './hunt.ts'

/** A block to take addresses from. */
export interface Target {
  readonly cidr: CIDR
  /** Absent: the block is created with the addresses already taken. */
  readonly stored?: KeyValue<'Block'>
  /** Exactly these ordinals, which must be free. Absent: the first free ones, as many as wanted. */
  readonly ordinals?: ReadonlyArray<number>
  /** Given: the block is claimed along; `stored` is our affinity where there is one already. */
  readonly claim?: { readonly stored?: KeyValue<'BlockAffinity'> }
}

const handlePart = (
  ground: Ground,
  hunt: Hunt,
  cidr: string,
  count: number,
): { readonly write: Write; readonly handle: Handle } | undefined => {
  const { handleID } = ground.plan.allocation
  if (handleID === undefined || count === 0) return undefined
  const stored = storedHandle(ground, handleID)
  const used = usableCredits(ground, hunt)
  const rest = withoutCredits(stored?.value ?? emptyHandle(handleID), used)
  const handle = incremented(rest, cidr, count)
  const write = handleWrite(stored, handle)
  return write && { write, handle }
}

const affinityWrite = ({ plan, situation }: Ground, target: Target): Write | undefined => {
  if (target.claim === undefined) return undefined
  const cidr = formatCIDR(target.cidr)
  const key = affinityKey(plan.owner, cidr)
  const state = situation.capabilities.atomicCommit ? 'confirmed' : 'pending'
  const { stored } = target.claim
  if (stored === undefined) return { op: 'create', key, value: { ...plan.owner, cidr, state } }
  return { op: 'update', key, value: { ...stored.value, state }, revision: stored.revision }
}

/** The block before the addresses are taken: as stored, or new. */
export const blockBefore = (ground: Ground, target: Target): Block => {
  if (target.stored !== undefined) return warm(ground, target.stored.value)
  const { owner, hostReserved } = ground.plan
  return newBlock({
    cidr: target.cidr,
    affinity: affinityText(owner),
    now: ground.situation.now,
    ...(hostReserved === undefined ? {} : { hostReserved }),
  })
}

const blockWrite = (target: Target, value: Block): Write => {
  const key = blockKey(value.cidr)
  return target.stored === undefined
    ? { op: 'create', key, value }
    : { op: 'update', key, value, revision: target.stored.revision }
}

/** How many addresses a new block of the CIDR could give. */
export const roomOfNew = (ground: Ground, cidr: CIDR): number =>
  assignableOrdinals(blockBefore(ground, { cidr }), ground.plan.reserved, 1).length

/** The hunt after an attempt that is known to have been written. */
const afterSuccess = (ground: Ground, hunt: Hunt, attempt: Attempt): Hunt => {
  const { cidr, claims } = attempt
  const { attempt: _, ...rest } = hunt
  const block = trustedCIDR(cidr)
  // Of the block nothing earlier can arrive any more, or be taken for what has just been written; and
  // where the handle has been written, nothing of the handle either.
  const late = hunt.late.filter((one) => one.cidr !== cidr)
  const isPending = claims && !ground.situation.capabilities.atomicCommit
  return {
    ...rest,
    assigned: [...hunt.assigned, ...attempt.ordinals.map((o) => addressInBlock(block, o))],
    late: attempt.handle === undefined ? late : late.map(({ handle, ...one }) => one),
    credits: attempt.handle === undefined ? hunt.credits : creditsAfter(ground, hunt),
    chores: isPending ? [...hunt.chores, { tag: 'Confirm', cidr }] : hunt.chores,
    alsoOwn: claims && !ground.plan.listed.includes(cidr) ? [...hunt.alsoOwn, cidr] : hunt.alsoOwn,
    ...(claims && ground.plan.purpose === 'Ensure' ? { ensured: cidr } : {}),
  }
}

/** The hunt after an attempt of which only the handle (at least) was written. */
const afterHandleOnly = (ground: Ground, hunt: Hunt, { cidr, ordinals }: Attempt): Hunt => ({
  ...hunt,
  credits: [...creditsAfter(ground, hunt), { cidr, count: ordinals.length }],
})

/** The move that tries to take what is still wanted, or what room there is, from a block. */
export const attemptAt = (ground: Ground, hunt: Hunt, target: Target): Move => {
  const allowance = handleAllowance(ground, hunt)
  if (allowance !== undefined) return allowance
  const before = blockBefore(ground, target)
  const wanted = ground.plan.purpose === 'Ensure' ? 0 : stillWanted(ground, hunt)
  const ordinals = target.ordinals ?? assignableOrdinals(before, ground.plan.reserved, wanted)
  const changed = target.stored === undefined ? before : touched(before)
  const next = wanted > 0 ? allocated(before, ordinals, ground.plan.allocation) : changed
  const handle = handlePart(ground, hunt, next.cidr, ordinals.length)
  const attempt: Attempt = {
    cidr: next.cidr,
    ordinals,
    sequence: before.sequenceNumber,
    claims: target.claim !== undefined,
    ...(handle === undefined ? {} : { handle: handle.handle }),
  }
  const writes = [handle?.write, affinityWrite(ground, target), blockWrite(target, next)]
  return stepTo({
    tag: 'Write',
    writes: writes.filter((write) => write !== undefined),
    progress: afterSuccess(ground, hunt, attempt),
    ifConflict: doubted(hunt),
    ifPartial: () => doubted(handle === undefined ? hunt : afterHandleOnly(ground, hunt, attempt)),
    ifUnknown: { ...hunt, attempt },
  })
}

/** Whether the block, as read now, holds exactly what the attempt wrote. */
const isWritten = (ground: Ground, attempt: Attempt): boolean => {
  const known = blockAt(ground, attempt.cidr)
  const { allocation } = ground.plan
  if (known.tag !== 'Stored') return false
  const block = known.stored.value
  // Without a handle nothing tells our allocation from an equal one of somebody else.
  if (allocation.handleID === undefined || attempt.ordinals.length === 0) return false
  return attempt.ordinals.every((ordinal) => {
    const attribute = attributeAt(block, ordinal)
    const isSame = block.sequenceNumberForAllocation[String(ordinal)] === attempt.sequence
    return isSame && attribute !== undefined && isAttributeOf(attribute, allocation)
  })
}

const sameCounts = (a: Handle, b: Handle): boolean => {
  const cidrs = Object.keys(a.blocks)
  return (
    cidrs.length === Object.keys(b.blocks).length &&
    cidrs.every((cidr) => a.blocks[cidr] === b.blocks[cidr])
  )
}

const isCounted = (ground: Ground, { handle }: Attempt): boolean => {
  const stored = storedHandle(ground, handle?.id)
  return handle !== undefined && stored !== undefined && sameCounts(stored.value, handle)
}

/** What became of a commit whose outcome was unknown, now that its objects have been read again. */
export const settled = (ground: Ground, hunt: Hunt, attempt: Attempt): Hunt => {
  if (isWritten(ground, attempt)) return afterSuccess(ground, hunt, attempt)
  const { attempt: _, ...rest } = hunt
  const next: Hunt = { ...rest, late: [...hunt.late, attempt] }
  // The handle that is there may be an earlier attempt's, arrived since.
  const counted = next.late.findLast((one) => isCounted(ground, one))
  return counted === undefined ? next : afterHandleOnly(ground, next, counted)
}

/** The hunt after a conflict: with whom, if not with a commit of our own that came late? */
const doubted = (hunt: Hunt): Hunt =>
  hunt.late.length === 0 ? hunt : { ...hunt, mustRecheck: true }

/** Reads again what the late commits would have written; each is then settled once more. */
export const recheckLate = (hunt: Hunt): Move => {
  const { late, mustRecheck: _, ...rest } = hunt
  const handles = [...new Set(late.flatMap(({ handle }) => handle?.id ?? []))]
  const queries: Query[] = [
    ...late.map(({ cidr }) => ({ get: blockKey(cidr) })),
    ...handles.map((id) => ({ get: { kind: 'Handle', id } }) as const),
  ]
  const [attempt, ...others] = late.toReversed()
  const next: Hunt = { ...rest, late: others.toReversed() }
  return stepTo(readAgain(queries, attempt === undefined ? next : { ...next, attempt }))
}

/** The hunt with a commit that arrived after it had been given up; undefined when none has. */
export const arrivedLate = (ground: Ground, hunt: Hunt): Hunt | undefined => {
  const arrived = hunt.late.find((attempt) => isWritten(ground, attempt))
  if (arrived === undefined) return undefined
  const late = hunt.late.filter((attempt) => attempt !== arrived)
  return afterSuccess(ground, { ...hunt, late }, arrived)
}
