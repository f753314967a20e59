/**
 * Who holds the addresses of an identity. A new incarnation takes over by compare-and-set and raises
 * the epoch; one that gives up parks them, if they are still its own. Whatever comes late, from an
 * incarnation that has been replaced, finds another holder and changes nothing. No step needs the
 * one before to have been completed: an incarnation that lost power is simply taken over from.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { addressInBlock } from '../ip/ordinal.ts'
import type { FixedHold, ParkFixedRequest, TakeOverFixedRequest } from '../ipam.ts'
import type { Block } from '../model/block.ts'
import {
  type FixedHolder,
  type FixedState,
  fixedAttrs,
  fixedStateOf,
} from '../model/fixed-allocation.ts'
import type { KeyValue, Query, Write } from '../ports/datastore.ts'
import { attributeAt, ordinalsOfHandle, reowned } from './block-changes.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import { getIn, notYetRead } from './snapshot.ts'

/** One allocation of the identity. */
interface Held {
  readonly stored: KeyValue<'Block'>
  readonly ordinal: number
  readonly state: FixedState | undefined
}

type Progress = Readonly<Record<string, never>>
type Next<A> = Either<Refusal, Step<Progress, A>>

/** Every allocation of the handle; or what has to be read to know. */
const heldBy = (
  { snapshot }: Situation,
  id: string,
): { readonly held: ReadonlyArray<Held> } | { readonly queries: ReadonlyArray<Query> } => {
  const handle = { get: { kind: 'Handle', id } } as const
  if (notYetRead(snapshot, [handle]).length > 0) return { queries: [handle] }
  const cidrs = Object.keys(getIn(snapshot, handle.get)?.value.blocks ?? {})
  const blocks = cidrs.map((cidr) => ({ get: { kind: 'Block', cidr } }) as const)
  if (notYetRead(snapshot, blocks).length > 0) return { queries: blocks }
  const held = blocks.flatMap(({ get }) => {
    const stored = getIn(snapshot, get)
    if (stored === undefined) return []
    return ordinalsOfHandle(stored.value, id).map((ordinal): Held => {
      const state = fixedStateOf(attributeAt(stored.value, ordinal)?.secondary)
      return { stored, ordinal, state }
    })
  })
  return { held }
}

/** One write per block: these allocations get this state. */
const writesFor = (changed: ReadonlyArray<Held>, state: FixedState): ReadonlyArray<Write> => {
  const blocks = new Map(changed.map(({ stored }) => [stored.value.cidr, stored]))
  return [...blocks.values()].map(({ key, value: block, revision }) => {
    const own = changed.filter(({ stored }) => stored.value.cidr === block.cidr)
    const ordinals = own.map(({ ordinal }) => ordinal)
    const value = reowned(block, ordinals, fixedAttrs(state))
    return { op: 'update', key, value, revision } as const
  })
}

const addressOf = ({ stored, ordinal }: Held): string =>
  addressInBlock(trustedCIDR(stored.value.cidr), ordinal)

const isIPv6 = (block: Block): number => (block.cidr.includes(':') ? 1 : 0)

const holdOf = (held: ReadonlyArray<Held>, epoch: number): FixedHold => ({
  ips: held.toSorted((a, b) => isIPv6(a.stored.value) - isIPv6(b.stored.value)).map(addressOf),
  epoch,
})

const isHeldBy = ({ state }: Held, { id, node }: FixedHolder): boolean =>
  state?.holder?.id === id && state.holder.node === node

/**
 * The epoch of this incarnation: the one it has already, where it took over a part before it was
 * interrupted and nobody has come since; else the next one.
 */
const epochFor = (held: ReadonlyArray<Held>, holder: FixedHolder): number => {
  const latest = Math.max(0, ...held.map(({ state }) => state?.epoch ?? 0))
  const atLatest = held.filter(({ state }) => (state?.epoch ?? 0) === latest)
  const isOurs = latest > 0 && atLatest.every((one) => isHeldBy(one, holder))
  return isOurs ? latest : latest + 1
}

const write = <A>(writes: ReadonlyArray<Write>): Next<A> =>
  right({ tag: 'Write', writes, progress: {} })

/** Takes the identity's addresses over; undefined when it has none. */
export const takeOverFixedDecision = (
  request: TakeOverFixedRequest,
): Decision<Progress, FixedHold | undefined> => ({
  operation: 'takeOverFixed',
  start: {},
  decide: (situation, progress): Next<FixedHold | undefined> => {
    const { handleID, identity, holder } = request
    if (handleID === '' || holder.id === '' || holder.node === '') {
      return left(refuse('InvalidRequest', 'handle, holder and node must not be empty'))
    }
    const found = heldBy(situation, handleID)
    if ('queries' in found) return right(readMore(found.queries, progress))
    const { held } = found
    if (held.length === 0) return right(done(undefined))
    const epoch = epochFor(held, holder)
    const open = held.filter((one) => !isHeldBy(one, holder) || one.state?.epoch !== epoch)
    if (open.length === 0) return right(done(holdOf(held, epoch)))
    return write(writesFor(open, { identity, epoch, holder }))
  },
})

/** Parks what the holder holds. Answers the addresses; none where somebody else has taken over. */
export const parkFixedDecision = (
  request: ParkFixedRequest,
): Decision<Progress, ReadonlyArray<string>> => ({
  operation: 'parkFixed',
  start: {},
  decide: (situation, progress): Next<ReadonlyArray<string>> => {
    const { handleID, holderID } = request
    const found = heldBy(situation, handleID)
    if ('queries' in found) return right(readMore(found.queries, progress))
    const own = found.held.filter(({ state }) => state?.holder?.id === holderID)
    const [first] = own
    if (first?.state === undefined) {
      const parked = found.held.filter(({ state }) => state !== undefined && !state.holder)
      return right(done(holdOf(parked, 0).ips))
    }
    const { identity } = first.state
    const epoch = Math.max(...own.map(({ state }) => state?.epoch ?? 0))
    return write(writesFor(own, { identity, epoch }))
  },
})
