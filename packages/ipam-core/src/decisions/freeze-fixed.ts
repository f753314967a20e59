/**
 * Makes the addresses that a container holds those of an identity, in place: the same address in the
 * same slot of its block, under the identity's handle, held by the container. From then on whatever
 * the container's end brings (DEL, collection) finds nothing under its own handle and parks.
 *
 * The identity counts first, then the block changes hands, then the container's count goes. After a
 * crash in between, asking again completes it: counts are set to what the block holds, and an entry
 * of the container that its block does not bear out goes together with a rewrite of the block.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import type { FixedHold, FreezeFixedRequest } from '../ipam.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'
import type { Write } from '../ports/datastore.ts'
import { attributeAt, ordinalsOfHandle } from './block-changes.ts'
import { type Decision, done, readMore, type Step } from './decision.ts'
import {
  addressOf,
  cidrsOf,
  countedBlocks,
  epochFor,
  familyOf,
  type Held,
  heldIn,
  holdOf,
  recountWrites,
  writesFor,
} from './fixed-held.ts'
import { emptyHandle, handleWrite, withCount } from './handle-changes.ts'
import { getIn, type Snapshot } from './snapshot.ts'

type Progress = Readonly<Record<string, never>>
type Next = Either<Refusal, Step<Progress, FixedHold | undefined>>

const invalid = ({ fromHandleID, handleID, identity }: FreezeFixedRequest): Refusal | undefined =>
  fromHandleID === '' || handleID === '' || identity === '' || fromHandleID === handleID
    ? refuse('InvalidRequest', 'two different handles and an identity are needed')
    : undefined

/** One address per family: what the identity has already would be a second one. */
const clash = (
  { identity }: FreezeFixedRequest,
  moving: ReadonlyArray<Held>,
  owned: ReadonlyArray<Held>,
): Refusal | undefined => {
  const families = new Set(moving.map(({ stored }) => familyOf(stored.value)))
  const other = owned.find(({ stored }) => families.has(familyOf(stored.value)))
  if (other === undefined) return undefined
  const ip = addressOf(other)
  const message = `${identity} has the fixed address ${ip} already: release it, or re-pin it, first`
  return refuse('HandleLimit', message, { ip })
}

/** The handle counting in each of these blocks what the identity will hold there. */
const countingWrite = (
  snapshot: Snapshot,
  handleID: string,
  moving: ReadonlyArray<Held>,
): Write | undefined => {
  const stored = getIn(snapshot, { kind: 'Handle', id: handleID })
  const blocks = new Map(moving.map((one) => [one.stored.value.cidr, one.stored.value]))
  const next = [...blocks].reduce((handle, [cidr, block]) => {
    const added = moving.filter((one) => one.stored.value.cidr === cidr).length
    return withCount(handle, cidr, ordinalsOfHandle(block, handleID).length + added)
  }, stored?.value ?? emptyHandle(handleID))
  return handleWrite(stored, next)
}

const nodeOf = ([first]: ReadonlyArray<Held>): string =>
  (first && attributeAt(first.stored.value, first.ordinal)?.secondary?.node) ?? ''

/** Freezes what the container holds; undefined when neither it nor the identity by it holds any. */
export const freezeFixedDecision = (
  request: FreezeFixedRequest,
): Decision<Progress, FixedHold | undefined> => ({
  operation: 'freezeFixed',
  start: {},
  decide: ({ snapshot, now }, progress): Next => {
    const { handleID, identity } = request
    const from = sanitizedHandleID(request.fromHandleID)
    const refusal = invalid(request)
    if (refusal !== undefined) return left(refusal)
    const counted = countedBlocks(snapshot, [from, handleID])
    if ('queries' in counted) return right(readMore(counted.queries, progress))
    const moving = heldIn(snapshot, from, counted.cidrs)
    const owned = heldIn(snapshot, handleID, counted.cidrs)
    const ours = owned.filter(({ state }) => state?.holder?.id === from)
    if (moving.length === 0 && ours.length === 0) return right(done(undefined))
    const second = clash(request, moving, owned)
    if (second !== undefined) return left(second)
    const holder = { id: from, node: ours[0]?.state?.holder?.node ?? nodeOf(moving) }
    const epoch = epochFor(owned, holder, now)
    const counting = moving.length === 0 ? undefined : countingWrite(snapshot, handleID, moving)
    const writes = [
      ...(counting === undefined ? [] : [counting]),
      ...writesFor(moving, handleID, { identity, epoch, holder }),
      ...recountWrites(snapshot, from, () => 0, cidrsOf(moving)),
    ]
    if (writes.length === 0) return right(done(holdOf(ours, epoch)))
    return right({ tag: 'Write', writes, progress })
  },
})
