/**
 * Another address for an identity. The new one is taken first and the old one given back last, so
 * that a crash leaves the identity with both, never with none; asked again with the same address,
 * only the end is left to do. This decides the beginning: whether the asker still holds the
 * identity's addresses, and whether the new one has to be taken or is there already. Taking it and
 * giving back are decisions of their own (assign-ip.ts, release-fixed.ts).
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { formatIPAddress, parseIPAddress } from '../ip/address.ts'
import type { RepinFixedRequest } from '../ipam.ts'
import type { FixedState } from '../model/fixed-allocation.ts'
import { type Decision, done, readMore, type Step } from './decision.ts'
import { addressOf, familyOf, type Held, heldBy, latestEpoch, writesFor } from './fixed-held.ts'
import { replaced } from './fixed-holder.ts'

export interface RepinPlan {
  /** Canonical text of the new address. */
  readonly ip: string
  /** What the new address is to say; undefined: it is the identity's already, and says it. */
  readonly take: FixedState | undefined
  /** The identity's other addresses of the family. */
  readonly old: ReadonlyArray<string>
}

type Progress = Readonly<Record<string, never>>
type Next = Either<Refusal, Step<Progress, RepinPlan>>

const isAsSeen = ({ state }: Held, { epoch, holderID }: RepinFixedRequest): boolean =>
  state !== undefined && state.epoch === epoch && state.holder?.id === holderID

export const repinFixedDecision = (request: RepinFixedRequest): Decision<Progress, RepinPlan> => ({
  operation: 'repinFixed',
  start: {},
  decide: ({ snapshot }, progress): Next => {
    const { handleID } = request
    const address = parseIPAddress(request.ip)
    if (isLeft(address)) return left(refuse('InvalidRequest', address.left.message))
    const ip = formatIPAddress(address.right)
    const found = heldBy(snapshot, handleID)
    if ('queries' in found) return right(readMore(found.queries, progress))
    const state = found.held.find((one) => isAsSeen(one, request))?.state
    if (state === undefined || latestEpoch(found.held) !== request.epoch)
      return left(replaced(handleID))
    const { family } = address.right
    const others = found.held.filter((one) => addressOf(one) !== ip)
    const old = others.filter(({ stored }) => familyOf(stored.value) === family).map(addressOf)
    const there = found.held.find((one) => addressOf(one) === ip)
    if (there === undefined) return right(done({ ip, take: state, old }))
    if (isAsSeen(there, request)) return right(done({ ip, take: undefined, old }))
    // Taken by an incarnation that was interrupted, or replaced, before it could give the old one back.
    return right({ tag: 'Write', writes: writesFor([there], handleID, state), progress })
  },
})
