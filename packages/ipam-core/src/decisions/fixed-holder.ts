/**
 * Who holds the addresses of an identity. A new incarnation takes over by compare-and-set and raises
 * the epoch; one that gives up parks them, if they are still its own. Whatever comes late, from an
 * incarnation that has been replaced, finds another holder and changes nothing. No step needs the
 * one before to have been completed: an incarnation that lost power is simply taken over from.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import type { FixedHold, ParkFixedRequest, TakeOverFixedRequest } from '../ipam.ts'
import type { Write } from '../ports/datastore.ts'
import { type Decision, done, readMore, type Step } from './decision.ts'
import { epochFor, type Held, heldBy, holdOf, isHeldBy, writesFor } from './fixed-held.ts'

/** `isFenced`: what is held has been written by us, and nothing sent before can change it any more. */
type Progress = { readonly isFenced?: boolean }
type Next<A> = Either<Refusal, Step<Progress, A>>

const write = <A>(writes: ReadonlyArray<Write>, before: Progress): Next<A> => {
  const progress = { isFenced: true }
  return right({ tag: 'Write', writes, progress, ifConflict: before, ifUnknown: before })
}

/** Somebody else has come since the asker looked: the identity is theirs now. */
export const replaced = (handleID: string): Refusal =>
  refuse('OwnerMismatch', `the addresses of ${handleID} have another holder or epoch by now`)

/** Somebody has come, or the identity has begun anew; what an earlier ADD of the asker took is its own. */
const isOthers = (one: Held, { holder, epoch }: TakeOverFixedRequest): boolean =>
  epoch !== undefined &&
  one.state !== undefined &&
  (one.state.epoch > epoch || !isHeldBy(one, holder))

/**
 * Takes the identity's addresses over; undefined when it has none. What an interrupted writer left in the
 * handle's counts is for garbage collection: on another node somebody may be about to use it.
 */
export const takeOverFixedDecision = (
  request: TakeOverFixedRequest,
): Decision<Progress, FixedHold | undefined> => ({
  operation: 'takeOverFixed',
  start: {},
  decide: ({ snapshot, now }, progress): Next<FixedHold | undefined> => {
    const { handleID, identity, holder } = request
    if (handleID === '' || holder.id === '' || holder.node === '') {
      return left(refuse('InvalidRequest', 'handle, holder and node must not be empty'))
    }
    const found = heldBy(snapshot, handleID)
    if ('queries' in found) return right(readMore(found.queries, progress))
    const { held } = found
    if (held.length === 0) return right(done(undefined))
    if (held.some((one) => isOthers(one, request))) return left(replaced(handleID))
    const epoch = epochFor(held, holder, now)
    // What an ADD has already is written once more: whoever gave up an earlier one of the same container
    // may have sent a release that has not arrived yet.
    const isReplay = request.epoch === undefined && progress.isFenced !== true
    const open = held.filter(
      (one) => isReplay || !isHeldBy(one, holder) || one.state?.epoch !== epoch,
    )
    if (open.length === 0) return right(done(holdOf(held, epoch)))
    return write(writesFor(open, handleID, { identity, epoch, holder }), progress)
  },
})

/** Parks what the holder holds. Answers the addresses; none where somebody else has taken over. */
export const parkFixedDecision = (
  request: ParkFixedRequest,
): Decision<Progress, ReadonlyArray<string>> => ({
  operation: 'parkFixed',
  start: {},
  decide: ({ snapshot }, progress): Next<ReadonlyArray<string>> => {
    const { handleID, holderID } = request
    const found = heldBy(snapshot, handleID)
    if ('queries' in found) return right(readMore(found.queries, progress))
    const own = found.held.filter(({ state }) => state?.holder?.id === holderID)
    const [first] = own
    if (first?.state === undefined) {
      const parked = found.held.filter(({ state }) => state !== undefined && !state.holder)
      return right(done(holdOf(parked, 0).ips))
    }
    const { identity } = first.state
    const epoch = Math.max(...own.map(({ state }) => state?.epoch ?? 0))
    return write(writesFor(own, handleID, { identity, epoch }), progress)
  },
})
