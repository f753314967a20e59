/**
 * What an identity holds, as its handle and its blocks say, and how that is written. Shared by the
 * decisions about fixed addresses: they differ in whom they let change what.
 */
import { formatIPAddress } from '../ip/address.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { addressAt, addressInBlock } from '../ip/ordinal.ts'
import type { FixedHold } from '../ipam.ts'
import type { Block } from '../model/block.ts'
import {
  type FixedHolder,
  type FixedState,
  firstEpoch,
  fixedAttrs,
  fixedStateOf,
} from '../model/fixed-allocation.ts'
import type { Instant } from '../ports/clock.ts'
import type { KeyValue, Query, Write } from '../ports/datastore.ts'
import { attributeAt, ordinalsOfHandle, reowned, touched } from './block-changes.ts'
import { handleWrite, withCount } from './handle-changes.ts'
import { getIn, notYetRead, type Snapshot } from './snapshot.ts'

/** One allocation under the handle. */
export interface Held {
  readonly stored: KeyValue<'Block'>
  readonly ordinal: number
  /** Undefined: it is not a fixed one. */
  readonly state: FixedState | undefined
}

type Read = { readonly held: ReadonlyArray<Held> } | { readonly queries: ReadonlyArray<Query> }

/** Every allocation of the handle in these blocks; all have been read. */
export const heldIn = (
  snapshot: Snapshot,
  handleID: string,
  cidrs: Iterable<string>,
): ReadonlyArray<Held> =>
  [...cidrs].flatMap((cidr) => {
    const stored = getIn(snapshot, { kind: 'Block', cidr })
    if (stored === undefined) return []
    return ordinalsOfHandle(stored.value, handleID).map((ordinal): Held => {
      const state = fixedStateOf(attributeAt(stored.value, ordinal)?.secondary)
      return { stored, ordinal, state }
    })
  })

/** The blocks that these handles count, once all have been read; before that, what to read. */
export const countedBlocks = (
  snapshot: Snapshot,
  handleIDs: ReadonlyArray<string>,
): { readonly cidrs: ReadonlySet<string> } | { readonly queries: ReadonlyArray<Query> } => {
  const handles = handleIDs.map((id) => ({ get: { kind: 'Handle', id } }) as const)
  if (notYetRead(snapshot, handles).length > 0) return { queries: handles }
  const counted = handles.map(({ get }) => getIn(snapshot, get)?.value.blocks ?? {})
  const cidrs = new Set(counted.flatMap((blocks) => Object.keys(blocks)))
  const blocks = [...cidrs].map((cidr) => ({ get: { kind: 'Block', cidr } }) as const)
  return notYetRead(snapshot, blocks).length > 0 ? { queries: blocks } : { cidrs }
}

/** Every allocation of the handle; or what has to be read to know. */
export const heldBy = (snapshot: Snapshot, handleID: string): Read => {
  const counted = countedBlocks(snapshot, [handleID])
  return 'queries' in counted ? counted : { held: heldIn(snapshot, handleID, counted.cidrs) }
}

/** One write per block: these allocations get this handle and this state. */
export const writesFor = (
  changed: ReadonlyArray<Held>,
  handleID: string,
  state: FixedState,
): ReadonlyArray<Write<'Block'>> => {
  const blocks = new Map(changed.map(({ stored }) => [stored.value.cidr, stored]))
  return [...blocks.values()].map(({ key, value: block, revision }) => {
    const own = changed.filter(({ stored }) => stored.value.cidr === block.cidr)
    const ordinals = own.map(({ ordinal }) => ordinal)
    const value = reowned(block, ordinals, { handleID, attrs: fixedAttrs(state) })
    return { op: 'update', key, value, revision } as const
  })
}

/**
 * Makes a handle count what its blocks bear out, where an interrupted writer left something else. A
 * block that is not written anyway is rewritten along: an allocation counts in its handle first, and
 * one that is under way then fails on the block and counts again.
 */
export const recountWrites = (
  snapshot: Snapshot,
  id: string,
  bornOut: (cidr: string) => number,
  writtenAnyway: ReadonlySet<string>,
): ReadonlyArray<Write> => {
  const stored = getIn(snapshot, { kind: 'Handle', id })
  if (stored === undefined) return []
  const wrong = Object.entries(stored.value.blocks)
    .filter(([cidr, count]) => count !== bornOut(cidr))
    .map(([cidr]) => cidr)
  const exact = wrong.reduce((rest, cidr) => withCount(rest, cidr, bornOut(cidr)), stored.value)
  const handle = wrong.length === 0 ? undefined : handleWrite(stored, exact)
  const blocks = wrong
    .filter((cidr) => !writtenAnyway.has(cidr))
    .flatMap((cidr) => getIn(snapshot, { kind: 'Block', cidr }) ?? [])
    .map(({ key, value, revision }): Write => {
      return { op: 'update', key, value: touched(value), revision }
    })
  return [...blocks, ...(handle === undefined ? [] : [handle])]
}

export const cidrsOf = (held: ReadonlyArray<Held>): ReadonlySet<string> =>
  new Set(held.map(({ stored }) => stored.value.cidr))

/** The bare address. */
export const addressOf = ({ stored, ordinal }: Held): string =>
  formatIPAddress(addressAt(trustedCIDR(stored.value.cidr), ordinal))

const inBlock = ({ stored, ordinal }: Held): string =>
  addressInBlock(trustedCIDR(stored.value.cidr), ordinal)

export const familyOf = (block: Block): 4 | 6 => (block.cidr.includes(':') ? 6 : 4)

/** By family, then by number: what is first does not depend on the order in a stored object. */
const inOrder = (a: Held, b: Held): number => {
  const [one, other] = [a.stored.value, b.stored.value]
  if (one.cidr === other.cidr) return a.ordinal - b.ordinal
  if (familyOf(one) !== familyOf(other)) return familyOf(one) - familyOf(other)
  return trustedCIDR(one.cidr).base < trustedCIDR(other.cidr).base ? -1 : 1
}

export const holdOf = (held: ReadonlyArray<Held>, epoch: number): FixedHold => ({
  ips: held.toSorted(inOrder).map(inBlock),
  epoch,
})

export const isHeldBy = ({ state }: Held, { id, node }: FixedHolder): boolean =>
  state?.holder?.id === id && state.holder.node === node

/** 0 where nothing says one. */
export const latestEpoch = (held: ReadonlyArray<Held>): number =>
  Math.max(0, ...held.map(({ state }) => state?.epoch ?? 0))

/**
 * The epoch of this incarnation: the one it has already, where it took over a part before it was
 * interrupted and nobody has come since; else the next one, or the first.
 */
export const epochFor = (held: ReadonlyArray<Held>, holder: FixedHolder, now: Instant): number => {
  const latest = latestEpoch(held)
  if (latest === 0) return firstEpoch(now)
  const atLatest = held.filter(({ state }) => (state?.epoch ?? 0) === latest)
  const isOurs = atLatest.every((one) => isHeldBy(one, holder))
  return isOurs ? latest : latest + 1
}
