/**
 * The addresses of a fixed pod: those its identity has, taken over from whoever held them; on its
 * first start, or for a family it lacks, the pinned one or new ones by the ordinary precedence, under
 * the identity's handle. The allocation in the block is the truth, so that every allocator respects
 * it; the record for people is read beside. A pin that cannot be given keeps a first start waiting,
 * never a pod that has its addresses.
 */
import {
  type FixedHold,
  firstEpoch,
  fixedAttrs,
  type IPAM,
  IPAMFailure,
} from '@hc-calico/ipam-core'
import { addressOf, canonicalCIDR, familyOf } from '../addresses.ts'
import type { FixedIdentity } from '../fixed-identity.ts'
import type { Family } from '../fixed-record.ts'
import type { Identity } from '../identity.ts'
import { withLockedIPAM } from '../ipam-access.ts'
import type { AddressSession } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { requireAll, type TakenAddress, type WantedAddresses } from './assign.ts'
import { giveUp } from './fixed-give-up.ts'
import { type FixedCall, oddSentence, refusedPin, repin, takePin } from './fixed-wishes.ts'
import { autoAssignInListOrder } from './in-list-order.ts'
import {
  askRecord,
  keepRecord,
  oddIn,
  type RecordAnswer,
  unmet,
  type Wishes,
  wishIn,
} from './keep-record.ts'

/** Whose addresses, and of which families. */
export interface FixedRequest {
  readonly identity: Identity
  readonly fixed: FixedIdentity
  readonly plan: { readonly v4: boolean; readonly v6: boolean }
  /** What an ordinary pod would ask for; not needed on a restart. */
  readonly ask: () => Promise<WantedAddresses>
}

const families = [4, 6] as const

/** `epoch`: this container's own; then only if nobody has come since. */
const takeOver = (
  { ipam, fixed, holder }: FixedCall,
  epoch?: number,
): Promise<FixedHold | undefined> => {
  const request = { handleID: fixed.handleID, identity: fixed.text, holder }
  return ipam.takeOverFixed(epoch === undefined ? request : { ...request, epoch })
}

const replaced = ({ identity: { namespace, pod } }: FixedCall): CNIFailure =>
  new CNIFailure(
    cniErrorCode.tryAgainLater,
    `another container of pod ${namespace}/${pod} started at the same time, and has its fixed addresses`,
  )

/** With the prefix lengths of their blocks. */
const heldOf = (hold: FixedHold | undefined, family: Family): ReadonlyArray<string> =>
  (hold?.ips ?? []).filter((cidr) => familyOf(addressOf(cidr)) === family)

/** What the identity should have of the family and has not, or not alone. */
const goalOf = (hold: FixedHold, answer: RecordAnswer, family: Family): string | undefined => {
  const held = heldOf(hold, family).map(addressOf)
  // What a record that nobody could read asks for is not to be guessed.
  const first = answer.tag === 'Failed' ? undefined : held[0]
  const goal = wishIn(answer, family) ?? first
  return held.length === 0 || (held.length === 1 && held[0] === goal) ? undefined : goal
}

const note = ({ session }: FixedCall, sentence: string): void =>
  session.log.warning(`The pod starts with another address: ${sentence}`)

/** What the record asks for instead of what the identity has, as far as it can be had. */
const repinFamily = async (
  call: FixedCall,
  hold: FixedHold,
  wishes: Wishes,
  family: Family,
): Promise<{ readonly wishes: Wishes; readonly isChanged: boolean }> => {
  const unchanged = { wishes, isChanged: false }
  if (heldOf(hold, family).length === 0 || wishes.standing.has(family)) return unchanged
  const odd = oddIn(wishes.answer, family)
  const goal = goalOf(hold, wishes.answer, family)
  if (odd === undefined && goal === undefined) return unchanged
  const problem =
    odd === undefined
      ? await repin(call, family, goal as string, hold.epoch)
      : oddSentence(call, family, odd)
  if (problem === undefined) return { wishes, isChanged: true }
  note(call, problem)
  return { wishes: unmet(wishes, family), isChanged: false }
}

interface Settled {
  readonly hold: FixedHold
  readonly wishes: Wishes
}

const repinHeld = async (call: FixedCall, hold: FixedHold, wishes: Wishes): Promise<Settled> => {
  const v4 = await repinFamily(call, hold, wishes, 4)
  const v6 = await repinFamily(call, hold, v4.wishes, 6)
  const isChanged = v4.isChanged || v6.isChanged
  return {
    hold: isChanged ? ((await takeOver(call, hold.epoch)) ?? hold) : hold,
    wishes: v6.wishes,
  }
}

/** Takes what the record pins of these families. Throws where a person's pin cannot be given. */
const takePins = async (
  call: FixedCall,
  lacking: ReadonlyArray<Family>,
  wishes: Wishes,
  epoch: number,
): Promise<{ readonly outcome: 'None' | 'Taken' | 'Frozen'; readonly wishes: Wishes }> => {
  let left = wishes
  let outcome: 'None' | 'Taken' | 'Frozen' = 'None'
  for (const family of lacking) {
    const odd = oddIn(wishes.answer, family)
    const pin = wishIn(wishes.answer, family)
    if (odd === undefined && pin === undefined) continue
    const got =
      odd === undefined
        ? await takePin(call, family, pin as string, epoch)
        : { tag: 'Refused' as const, sentence: oddSentence(call, family, odd) }
    if (got.tag !== 'Refused') {
      outcome = outcome === 'Frozen' ? outcome : got.tag
      continue
    }
    left = unmet(left, family)
    if (left.standing.has(family)) throw refusedPin(got.sentence)
    note(call, got.sentence)
  }
  return { outcome, wishes: left }
}

const isWanted = ({ plan }: FixedRequest, family: Family): boolean =>
  family === 4 ? plan.v4 : plan.v6

/** The families that the pod is to have and the identity has not. */
const lackingIn = (request: FixedRequest, hold: FixedHold | undefined): ReadonlyArray<Family> =>
  families.filter((family) => isWanted(request, family) && heldOf(hold, family).length === 0)

/** Pinned addresses; and what the identity holds then. */
const holdAfterPins = async (
  call: FixedCall,
  lacking: ReadonlyArray<Family>,
  before: FixedHold | undefined,
  wishes: Wishes,
): Promise<{ readonly hold: FixedHold | undefined; readonly wishes: Wishes }> => {
  const epoch = before?.epoch ?? call.firstEpoch
  const pins = await takePins(call, lacking, wishes, epoch)
  if (pins.outcome === 'None') return { hold: before, wishes: pins.wishes }
  // What an older container held is taken over from it, whatever its epoch.
  const since = pins.outcome === 'Frozen' ? undefined : epoch
  return { hold: await takeOver(call, since), wishes: pins.wishes }
}

/** What an ordinary pod would ask for, for the identity. No limit: that would move others' counts. */
const requestFor = (
  { fixed, holder }: FixedCall,
  { request, service }: WantedAddresses,
  lacking: ReadonlyArray<Family>,
  epoch: number,
): WantedAddresses => {
  const { maxAllocToHandlePerIPVersion: _, ...ordinary } = request
  return {
    request: {
      ...ordinary,
      num4: lacking.includes(4) ? 1 : 0,
      num6: lacking.includes(6) ? 1 : 0,
      handleID: fixed.handleID,
      attrs: fixedAttrs({ identity: fixed.text, epoch, holder }),
    },
    service,
  }
}

/** The first addresses of the families that the identity lacks. */
const takeNew = async (
  call: FixedCall,
  request: FixedRequest,
  before: FixedHold | undefined,
  wishes: Wishes,
): Promise<Settled> => {
  const pinned = await holdAfterPins(call, lackingIn(request, before), before, wishes)
  const { hold } = pinned
  const lacking = lackingIn(request, hold)
  if (hold !== undefined && lacking.length === 0) return repinHeld(call, hold, pinned.wishes)
  const epoch = hold?.epoch ?? call.firstEpoch
  const wanted = requestFor(call, await request.ask(), lacking, epoch)
  const assigned = await autoAssignInListOrder(call.ipam, wanted)
  requireAll(assigned, wanted.service)
  // Two that start at once both see the other here, or one of them does; whoever does gives way.
  const all = await takeOver(call, epoch)
  if (all === undefined) throw replaced(call)
  return repinHeld(call, all, pinned.wishes)
}

const settle = async (
  call: FixedCall,
  request: FixedRequest,
  answered: Promise<RecordAnswer>,
  forCleanup: () => Promise<IPAM>,
): Promise<Settled> => {
  const before = await takeOver(call)
  const answer = await answered
  const isFirst = lackingIn(request, before).length > 0
  const wishes: Wishes = { answer, standing: new Set() }
  try {
    if (answer.tag === 'Failed' && isFirst) throw answer.error
    if (answer.tag === 'Failed') {
      call.session.log.warning(`Starting without the record: ${answer.error.message}`)
    }
    const known = before === undefined ? undefined : await repinHeld(call, before, wishes)
    if (known !== undefined && !isFirst) return known
    return await takeNew(call, request, known?.hold, known?.wishes ?? wishes)
  } catch (error) {
    await giveUp(call, before, forCleanup)
    const isOvertaken = error instanceof IPAMFailure && error.tag === 'OwnerMismatch'
    throw isOvertaken ? replaced(call) : error
  }
}

const takenFrom = (cidr: string): TakenAddress => ({
  ip: addressOf(cidr),
  block: canonicalCIDR(cidr) as string,
})

export const assignFixed = async (
  session: AddressSession,
  request: FixedRequest,
): Promise<ReadonlyArray<TakenAddress>> => {
  const { identity, fixed, plan } = request
  const answered = askRecord(session, identity, fixed)
  const holder = { id: identity.handleID, node: session.node }
  const who = { identity, fixed, holder, firstEpoch: firstEpoch(session.machine.clock.now()) }
  const { hold, wishes } = await withLockedIPAM(session, (ipam, forCleanup) =>
    settle({ session, ipam, ...who }, request, answered, forCleanup),
  )
  const [v4, v6] = families.map((family) => heldOf(hold, family)[0])
  const held = {
    ...(v4 === undefined ? {} : { 4: addressOf(v4) }),
    ...(v6 === undefined ? {} : { 6: addressOf(v6) }),
  }
  session.log.info('Fixed', { identity: fixed.text, ips: hold.ips.join(','), epoch: hold.epoch })
  await keepRecord(session, identity, fixed, wishes, held)
  return [plan.v4 ? v4 : undefined, plan.v6 ? v6 : undefined].flatMap((cidr) =>
    cidr === undefined ? [] : [takenFrom(cidr)],
  )
}
