/**
 * The next block after a change. Every function builds a new value and leaves its input alone, so
 * that a retry can never persist half a mutation. Unknown fields travel along. What is written to a
 * datastore has `sequenceNumber` one above what was read; `collectCold` is the exception, because
 * it only tidies what was read and is written together with another change or with `touched`.
 */

import { type CIDR, formatCIDR, trustedCIDR } from '../ip/cidr.ts'
import type { CIDRSet } from '../ip/cidr-set.ts'
import { setContains, setCovers, setIntersects } from '../ip/cidr-set.ts'
import { addressAt, blockAddresses } from '../ip/ordinal.ts'
import type { HostReservedAttr } from '../ipam.ts'
import type { AllocationAttribute, Block } from '../model/block.ts'
import { isWindowsReserved, sanitizedHandleID } from '../model/handle-id.ts'
import { instantOf, instantText } from '../model/instant-text.ts'
import type { Instant } from '../ports/clock.ts'

/** What a new block starts with. */
export interface NewBlock {
  readonly cidr: CIDR
  /** `host:{node}` or `virtual:{name}`. */
  readonly affinity: string
  /** Claim time, and the first sequence number. */
  readonly now: Instant
  /** Ordinals at both ends that are allocated from the start (Windows hosts). */
  readonly hostReserved?: HostReservedAttr
}

/** Whose addresses they become. */
export interface AllocationOwner {
  readonly handleID?: string
  readonly attrs?: Readonly<Record<string, string>>
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/** A block nobody has allocated from: all ordinals free in order, but for the host-reserved ones. */
export const newBlock = ({ cidr, affinity, now, hostReserved }: NewBlock): Block => {
  const size = blockAddresses(cidr)
  const first = Math.min(hostReserved?.startOfBlock ?? 0, size)
  const end = Math.max(first, size - (hostReserved?.endOfBlock ?? 0))
  const reserved = first > 0 || end < size
  const attribute = hostReserved && {
    handleID: hostReserved.handle,
    secondary: { note: hostReserved.note },
  }
  return {
    cidr: formatCIDR(cidr),
    affinity,
    affinityClaimTime: instantText(now),
    allocations: range(0, size).map((o) => (o < first || o >= end ? 0 : null)),
    unallocated: range(first, end),
    attributes: reserved && attribute ? [attribute] : [],
    sequenceNumber: now,
    sequenceNumberForAllocation: {},
  }
}

/** Free ordinals in the order in which they are given out, without the reserved ones. */
export const assignableOrdinals = (
  block: Block,
  reserved: CIDRSet,
  countMax = Number.POSITIVE_INFINITY,
): ReadonlyArray<number> => {
  const cidr = trustedCIDR(block.cidr)
  if (!setIntersects(reserved, cidr)) return block.unallocated.slice(0, countMax)
  if (setCovers(reserved, cidr)) return []
  const taken: number[] = []
  for (const ordinal of block.unallocated) {
    if (taken.length >= countMax) break
    if (!setContains(reserved, addressAt(cidr, ordinal))) taken.push(ordinal)
  }
  return taken
}

const sameText = (
  a: Readonly<Record<string, string>> = {},
  b: Readonly<Record<string, string>> = {},
): boolean => {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}

const isEmptyRecord = (record: Readonly<Record<string, unknown>> | undefined): boolean =>
  record === undefined || Object.keys(record).length === 0

/** Whether an attribute entry may be shared with a new allocation of this owner. */
export const isAttributeOf = (attribute: AllocationAttribute, owner: AllocationOwner): boolean =>
  attribute.handleID === owner.handleID &&
  sameText(attribute.secondary, owner.attrs) &&
  isEmptyRecord(attribute.alternateOwnerAttrs) &&
  attribute.releasedAt === undefined &&
  isEmptyRecord(attribute.unknownFields)

const attributeFor = ({ handleID, attrs }: AllocationOwner): AllocationAttribute => ({
  ...(handleID === undefined ? {} : { handleID }),
  ...(isEmptyRecord(attrs) ? {} : { secondary: { ...attrs } }),
})

const withSequence = (
  block: Block,
  ordinals: Iterable<number>,
): Readonly<Record<string, bigint>> => {
  const sequence: Record<string, bigint> = { ...block.sequenceNumberForAllocation }
  for (const ordinal of ordinals) sequence[String(ordinal)] = block.sequenceNumber
  return sequence
}

/** The block with these free ordinals given to the owner. Asking for one that is taken is a bug. */
export const allocated = (
  block: Block,
  ordinals: ReadonlyArray<number>,
  owner: AllocationOwner,
): Block => {
  const taken = new Set(ordinals)
  const unallocated = block.unallocated.filter((ordinal) => !taken.has(ordinal))
  if (unallocated.length + ordinals.length !== block.unallocated.length) {
    throw new Error(`bug: ordinals ${ordinals.join(', ')} of ${block.cidr} are not all free`)
  }
  const shared = block.attributes.findIndex((attribute) => isAttributeOf(attribute, owner))
  const index = shared >= 0 ? shared : block.attributes.length
  return {
    ...block,
    allocations: block.allocations.map((now, ordinal) => (taken.has(ordinal) ? index : now)),
    unallocated,
    attributes: shared >= 0 ? block.attributes : [...block.attributes, attributeFor(owner)],
    sequenceNumber: block.sequenceNumber + 1n,
    sequenceNumberForAllocation: withSequence(block, ordinals),
  }
}

/** A released address rests strictly longer than the cooldown; with none it does not rest. */
const isCold = (releasedAt: string, now: Instant, cooldownSeconds: number): boolean => {
  if (cooldownSeconds <= 0) return true
  const released = instantOf(releasedAt)
  return released === undefined || released < now - BigInt(cooldownSeconds) * 1_000_000_000n
}

/** Attributes that some ordinal still refers to, with the allocations renumbered; order is kept. */
const compacted = (
  allocations: ReadonlyArray<number | null>,
  attributes: ReadonlyArray<AllocationAttribute>,
): Pick<Block, 'allocations' | 'attributes'> => {
  const used = new Set(allocations)
  const kept = attributes.map((_, i) => i).filter((i) => used.has(i))
  if (kept.length === attributes.length) return { allocations, attributes }
  const renumbered = new Map(kept.map((old, i) => [old, i]))
  return {
    allocations: allocations.map((i) => (i === null ? null : (renumbered.get(i) ?? i))),
    attributes: kept.map((i) => attributes[i] as AllocationAttribute),
  }
}

/**
 * The block as every reader should see it: addresses whose cooldown has passed are free again, at
 * the tail of the queue in ascending order, and attributes nobody refers to are gone. The very
 * same value when there is nothing to tidy.
 */
export const collectCold = (block: Block, now: Instant, cooldownSeconds: number): Block => {
  const cold = new Set<number>()
  const freed: number[] = []
  block.attributes.forEach(({ releasedAt }, i) => {
    if (releasedAt !== undefined && isCold(releasedAt, now, cooldownSeconds)) cold.add(i)
  })
  const allocations = block.allocations.map((index, ordinal) => {
    if (index === null || !cold.has(index)) return index
    freed.push(ordinal)
    return null
  })
  const compact = compacted(allocations, block.attributes)
  if (freed.length === 0 && compact.attributes === block.attributes) return block
  const sequence = { ...block.sequenceNumberForAllocation }
  for (const ordinal of freed) delete sequence[String(ordinal)]
  return {
    ...block,
    ...compact,
    unallocated: [...block.unallocated, ...freed],
    sequenceNumberForAllocation: sequence,
  }
}

/** The block with these allocated ordinals released: resting for the cooldown, or free at once. */
export const released = (
  block: Block,
  ordinals: ReadonlyArray<number>,
  now: Instant,
  cooldownSeconds: number,
): Block => {
  const gone = new Set(ordinals)
  const index = block.attributes.length
  const resting: Block = {
    ...block,
    allocations: block.allocations.map((old, ordinal) => {
      if (!gone.has(ordinal)) return old
      if (old === null) throw new Error(`bug: ordinal ${ordinal} of ${block.cidr} is free already`)
      return index
    }),
    attributes: [...block.attributes, { releasedAt: instantText(now) }],
    sequenceNumberForAllocation: withSequence(block, ordinals),
  }
  return touched(collectCold(resting, now, cooldownSeconds))
}

/** The block unchanged but for its sequence number: whoever read it before can no longer write. */
export const touched = (block: Block): Block => ({
  ...block,
  sequenceNumber: block.sequenceNumber + 1n,
})

/**
 * The block with these allocated ordinals under another owner, or other attributes of the same. They
 * get the sequence number of now, so that a release that was decided before does not apply to them.
 */
export const reowned = (
  block: Block,
  ordinals: ReadonlyArray<number>,
  owner: AllocationOwner,
): Block => {
  const changed = new Set(ordinals)
  const index = block.attributes.length
  const allocations = block.allocations.map((now, ordinal) => (changed.has(ordinal) ? index : now))
  return touched({
    ...block,
    ...compacted(allocations, [...block.attributes, attributeFor(owner)]),
    sequenceNumberForAllocation: withSequence(block, ordinals),
  })
}

/** The block owned by nobody; its addresses stay. */
export const withoutAffinity = (block: Block): Block => {
  const { affinity: _, affinityClaimTime: __, ...rest } = touched(block)
  return rest
}

/** The attribute of an allocated ordinal; undefined when it is free. */
export const attributeAt = (block: Block, ordinal: number): AllocationAttribute | undefined => {
  const index = block.allocations[ordinal]
  return index === null || index === undefined ? undefined : block.attributes[index]
}

export const freeCount = (block: Block): number => block.unallocated.length

/** No allocation but a Windows host's own. An address that is cooling down counts as allocated. */
export const isEmpty = (block: Block): boolean =>
  block.allocations.every(
    (index) => index === null || isWindowsReserved(block.attributes[index]?.handleID),
  )

/** Ordinals held by a handle, ascending. */
export const ordinalsOfHandle = (block: Block, handleID: string): ReadonlyArray<number> => {
  const wanted = sanitizedHandleID(handleID)
  const mine = new Set<number | null>()
  block.attributes.forEach((attribute, i) => {
    if (attribute.handleID === undefined || attribute.releasedAt !== undefined) return
    if (sanitizedHandleID(attribute.handleID) === wanted) mine.add(i)
  })
  return block.allocations.flatMap((index, ordinal) =>
    index !== null && mine.has(index) ? [ordinal] : [],
  )
}
