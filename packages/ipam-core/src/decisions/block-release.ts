/**
 * What giving back addresses of one block writes: the block, and less in the handles that counted
 * them. The block comes first: a handle that counts too much is repaired by the next release, an
 * address its handle does not count could never be found by it.
 *
 * A handle entry whose block holds nothing of the handle is stale, left by a process that died
 * between its two writes. It goes together with a rewrite of the block: an allocation counts in its
 * handle first, and the rewrite makes the one that is under way (it holds an older revision of the
 * block) count again. Where the block is gone there is nothing to rewrite; then the host's IPAM lock
 * is what keeps allocations and releases of one container apart.
 */
import type { Block } from '../model/block.ts'
import type { Handle } from '../model/handle.ts'
import { isWindowsReserved, sanitizedHandleID } from '../model/handle-id.ts'
import type { Instant } from '../ports/clock.ts'
import type { KeyValue, Write } from '../ports/datastore.ts'
import {
  attributeAt,
  collectCold,
  isEmpty,
  ordinalsOfHandle,
  released,
  touched,
} from './block-changes.ts'
import { decremented, handleWrite, withoutBlocks } from './handle-changes.ts'
import { getIn, type Snapshot } from './snapshot.ts'

/** What a handle counts less in a block. */
export interface HandleChange {
  readonly handleID: string
  readonly cidr: string
  /** Addresses given back. */
  readonly released: number
  /**
   * Addresses the handle still holds there: with none left the entry goes, whatever it counted.
   * Unknown when the block was written by an earlier commit: others may have counted since, so
   * then only the difference may be taken away.
   */
  readonly remaining?: number
}

/** Addresses of one block to give back. */
export interface BlockRelease {
  readonly stored: KeyValue<'Block'>
  /** Allocated ordinals; none when only a stale handle entry is to go. */
  readonly ordinals: ReadonlyArray<number>
  readonly handleChanges: ReadonlyArray<HandleChange>
}

/** How long released addresses rest, and what time it is. */
export interface Cooling {
  readonly now: Instant
  readonly cooldownSeconds: number
}

export const warm = (block: Block, { now, cooldownSeconds }: Cooling): Block =>
  collectCold(block, now, cooldownSeconds)

/** The id of a handle with an object of its own that owns the ordinal; cooling ones have none. */
export const countingHandleAt = (block: Block, ordinal: number): string | undefined => {
  const { handleID } = attributeAt(block, ordinal) ?? {}
  return handleID === undefined || isWindowsReserved(handleID)
    ? undefined
    : sanitizedHandleID(handleID)
}

/** The release of these allocated ordinals. */
export const blockRelease = (
  stored: KeyValue<'Block'>,
  ordinals: ReadonlyArray<number>,
  cooling: Cooling,
): BlockRelease => {
  const block = warm(stored.value, cooling)
  const counts = new Map<string, number>()
  for (const ordinal of ordinals) {
    const id = countingHandleAt(block, ordinal)
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const handleChanges = [...counts].map(([handleID, count]) => ({
    handleID,
    cidr: block.cidr,
    released: count,
    remaining: ordinalsOfHandle(block, handleID).length - count,
  }))
  return { stored, ordinals, handleChanges }
}

/** The change that takes a stale entry away; its block is rewritten where there is one. */
export const staleEntry = (handleID: string, cidr: string): HandleChange => ({
  handleID,
  cidr,
  released: 0,
  remaining: 0,
})

/** The write that stores a block that lost addresses: an empty one that nobody owns goes. */
export const storeOrDelete = (stored: KeyValue<'Block'>, next: Block): Write<'Block'> => {
  const key = { kind: 'Block', cidr: stored.value.cidr } as const
  const { revision } = stored
  return isEmpty(next) && next.affinity === undefined
    ? { op: 'delete', key, revision }
    : { op: 'update', key, value: next, revision }
}

export const blockWrite = (release: BlockRelease, cooling: Cooling): Write<'Block'> => {
  const block = warm(release.stored.value, cooling)
  const { now, cooldownSeconds } = cooling
  const next =
    release.ordinals.length === 0
      ? touched(block)
      : released(block, release.ordinals, now, cooldownSeconds)
  return storeOrDelete(release.stored, next)
}

const changed = (handle: Handle, { cidr, released: count, remaining }: HandleChange): Handle => {
  const counted = handle.blocks[cidr]
  if (counted === undefined) return handle
  if (remaining === 0) return withoutBlocks(handle, [cidr])
  return decremented(handle, cidr, Math.min(count, counted - (remaining ?? 0)))
}

const sameCounts = (a: Handle, b: Handle): boolean => {
  const cidrs = Object.keys(a.blocks)
  return (
    cidrs.length === Object.keys(b.blocks).length &&
    cidrs.every((cidr) => a.blocks[cidr] === b.blocks[cidr])
  )
}

/** The writes of all handles that the changes are about; a handle that is not there needs none. */
export const handleWrites = (
  snapshot: Snapshot,
  changes: ReadonlyArray<HandleChange>,
): ReadonlyArray<Write<'Handle'>> =>
  [...new Set(changes.map((change) => change.handleID))].flatMap((id) => {
    const stored = getIn(snapshot, { kind: 'Handle', id })
    if (stored === undefined) return []
    const own = changes.filter((change) => change.handleID === id)
    const next = own.reduce(changed, stored.value)
    return sameCounts(next, stored.value) ? [] : (handleWrite(stored, next) ?? [])
  })
