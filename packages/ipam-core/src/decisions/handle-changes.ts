/**
 * The next handle after a change. Calico counts upwards what was requested and keeps handles that
 * count too much for ever; these count what was taken, and a release, or garbage collection where
 * somebody may be asleep before using it, removes an entry that is stale.
 *
 * Counts change by difference, not to a value seen in a block: differences commute, so an
 * allocation and a release of one handle need not see each other. A stale entry (its block is gone
 * or holds nothing of the handle) may go only together with a rewrite of the block, where there is
 * one: an allocation counts in the handle first, so an entry may be ahead of its block.
 */

import type { IPFamily } from '../ip/address.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import type { Handle } from '../model/handle.ts'
import type { KeyValue, Write } from '../ports/datastore.ts'

/** The handle counting this many addresses in the block; the entry goes at zero. */
export const withCount = (handle: Handle, cidr: string, count: number): Handle => {
  const { [cidr]: _, ...others } = handle.blocks
  return { ...handle, blocks: count > 0 ? { ...others, [cidr]: count } : others }
}

/** The handle holding `count` addresses more in the block. */
export const incremented = (handle: Handle, cidr: string, count: number): Handle =>
  withCount(handle, cidr, (handle.blocks[cidr] ?? 0) + count)

/** The handle holding `count` addresses less in the block; the entry goes at zero. */
export const decremented = (handle: Handle, cidr: string, count: number): Handle =>
  withCount(handle, cidr, (handle.blocks[cidr] ?? 0) - count)

/** The handle without these blocks. */
export const withoutBlocks = (handle: Handle, cidrs: ReadonlyArray<string>): Handle =>
  cidrs.reduce((rest, cidr) => withCount(rest, cidr, 0), handle)

export const emptyHandle = (id: string): Handle => ({ id, blocks: {} })

/** Addresses the handle counts in blocks of the family. */
export const handleCount = (handle: Handle, family: IPFamily): number =>
  blocksOfHandle(handle, family).reduce((sum, cidr) => sum + (handle.blocks[cidr] ?? 0), 0)

/** Blocks of the family in which the handle counts addresses. */
export const blocksOfHandle = (handle: Handle, family: IPFamily): ReadonlyArray<string> =>
  Object.keys(handle.blocks).filter((cidr) => trustedCIDR(cidr).family === family)

/**
 * The write that makes `next` the stored handle: create, update, or delete when it counts nothing.
 * Undefined when there is nothing to store and nothing stored.
 */
export const handleWrite = (
  stored: KeyValue<'Handle'> | undefined,
  next: Handle,
): Write<'Handle'> | undefined => {
  const key = { kind: 'Handle', id: next.id } as const
  const empty = Object.keys(next.blocks).length === 0
  if (stored === undefined) return empty ? undefined : { op: 'create', key, value: next }
  return empty
    ? { op: 'delete', key, revision: stored.revision }
    : { op: 'update', key, value: next, revision: stored.revision }
}
