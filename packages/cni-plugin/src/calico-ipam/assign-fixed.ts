/**
 * The addresses of a fixed pod: those its identity has, taken over from whoever held them; on its
 * first start, or for a family it lacks, the pinned one or new ones by the ordinary precedence, under
 * the identity's handle. The allocation in the block is the truth, so that every allocator respects
 * it; the record for people is read beside. A pin that cannot be given keeps a first start waiting,
 * never a pod that has its addresses.
 */
import { type FixedHold, fixedAttrs, type IPAM } from '@hc-calico/ipam-core'
import { addressOf, canonicalCIDR, familyOf } from '../addresses.ts'
import { isMissing } from '../failures.ts'
import type { FixedIdentity } from '../fixed-identity.ts'
import type { Family } from '../fixed-record.ts'
import type { Identity } from '../identity.ts'
import { withLockedIPAM } from '../ipam-access.ts'
import type { Session } from '../session.ts'
import { requireAll, type TakenAddress, type WantedAddresses } from './assign.ts'
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
import { parkAddresses } from './release.ts'

/** Whose addresses, and of which families. */
export interface FixedRequest {
  readonly identity: Identity
  readonly fixed: FixedIdentity
  readonly plan: { readonly v4: boolean; readonly v6: boolean }
  /** What an ordinary pod would ask for; not needed on a restart. */
  readonly ask: () => Promise<WantedAddresses>
}

const families = [4, 6] as const

/** `since`: what this container has taken over before, if nobody has come since. */
const takeOver = (
  { ipam, fixed, holder }: FixedCall,
  since?: FixedHold,
): Promise<FixedHold | undefined> => {
  const request = { handleID: fixed.handleID, identity: fixed.text, holder }
  return ipam.takeOverFixed(since === undefined ? request : { ...request, epoch: since.epoch })
}

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
  return { hold: isChanged ? ((await takeOver(call, hold)) ?? hold) : hold, wishes: v6.wishes }
}

/** Takes what the record pins of these families. Throws where a person's pin cannot be given. */
const takePins = async (
  call: FixedCall,
  lacking: ReadonlyArray<Family>,
  wishes: Wishes,
  epoch: number,
): Promise<Wishes> => {
  let left = wishes
  for (const family of lacking) {
    const odd = oddIn(wishes.answer, family)
    const pin = wishIn(wishes.answer, family)
    const problem =
      odd === undefined
        ? pin && (await takePin(call, family, pin, epoch))
        : oddSentence(call, family, odd)
    if (problem === undefined) continue
    left = unmet(left, family)
    if (left.standing.has(family)) throw refusedPin(problem)
    note(call, problem)
  }
  return left
}

const heldNow = async (ipam: IPAM, handleID: string): Promise<ReadonlyArray<string>> => {
  try {
    return await ipam.ipsByHandle(handleID)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** A start that failed leaves what the identity had, parked. What somebody took over is theirs. */
const giveUp = async (
  { session, fixed, holder, identity }: FixedCall,
  before: FixedHold | undefined,
  forCleanup: () => Promise<IPAM>,
): Promise<void> => {
  const { handleID } = fixed
  try {
    const ipam = await forCleanup()
    const had = new Set((before?.ips ?? []).map(addressOf))
    const ips = (await heldNow(ipam, handleID)).filter((ip) => !had.has(ip))
    const seen = { handleID, epoch: before?.epoch ?? 1, holderID: holder.id }
    if (ips.length > 0) await ipam.releaseFixed({ ...seen, ips })
    await parkAddresses(session, ipam, identity)
  } catch (error) {
    const reason = (error as Error).message
    session.log.warning('Could not give fixed addresses back', { identity: fixed.text, reason })
  }
}

/**
 * Two incarnations that start at once may both take addresses. What the identity's handle does not
 * count any more, because the other one has put it right, would be found by nobody.
 */
const releaseUncounted = async (
  { ipam, fixed }: FixedCall,
  assigned: ReadonlyArray<string>,
  all: FixedHold,
): Promise<void> => {
  const lost = assigned.map(addressOf).filter((ip) => !all.ips.map(addressOf).includes(ip))
  if (lost.length === 0) return
  const releases = lost.map((address) => ({ address, handle: fixed.handleID }))
  await ipam.releaseIPs(releases).catch(() => undefined)
}

const isWanted = ({ plan }: FixedRequest, family: Family): boolean =>
  family === 4 ? plan.v4 : plan.v6

/** The families that the pod is to have and the identity has not. */
const lackingIn = (request: FixedRequest, hold: FixedHold | undefined): ReadonlyArray<Family> =>
  families.filter((family) => isWanted(request, family) && heldOf(hold, family).length === 0)

/** The first addresses of the families that the identity lacks. */
const takeNew = async (
  call: FixedCall,
  request: FixedRequest,
  before: FixedHold | undefined,
  wishes: Wishes,
): Promise<Settled> => {
  const { ipam, fixed, holder } = call
  const toPin = lackingIn(request, before)
  const left = await takePins(call, toPin, wishes, before?.epoch ?? 1)
  const isPinned = toPin.some((family) => wishIn(wishes.answer, family) !== undefined)
  const hold = isPinned ? await takeOver(call, before) : before
  const lacking = lackingIn(request, hold)
  if (hold !== undefined && lacking.length === 0) return repinHeld(call, hold, left)
  const { request: ordinary, service } = await request.ask()
  const assigned = await autoAssignInListOrder(ipam, {
    request: {
      ...ordinary,
      num4: lacking.includes(4) ? 1 : 0,
      num6: lacking.includes(6) ? 1 : 0,
      handleID: fixed.handleID,
      attrs: fixedAttrs({ identity: fixed.text, epoch: hold?.epoch ?? 1, holder }),
    },
    service,
  })
  requireAll(assigned, service)
  // Another incarnation may have been faster: its addresses are the identity's, and ours to take over.
  const all = await takeOver(call, hold)
  if (all === undefined) throw new Error('bug: an identity lost the addresses it was just given')
  await releaseUncounted(call, [...(assigned.v4?.ips ?? []), ...(assigned.v6?.ips ?? [])], all)
  return repinHeld(call, all, left)
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
    if (before === undefined) return await takeNew(call, request, before, wishes)
    const repinned = await repinHeld(call, before, wishes)
    return isFirst ? await takeNew(call, request, repinned.hold, repinned.wishes) : repinned
  } catch (error) {
    await giveUp(call, before, forCleanup)
    throw error
  }
}

const takenFrom = (cidr: string): TakenAddress => ({
  ip: addressOf(cidr),
  block: canonicalCIDR(cidr) as string,
})

export const assignFixed = async (
  session: Session,
  request: FixedRequest,
): Promise<ReadonlyArray<TakenAddress>> => {
  const { identity, fixed, plan } = request
  const answered = askRecord(session, identity, fixed)
  const holder = { id: identity.handleID, node: session.node }
  const { hold, wishes } = await withLockedIPAM(session, (ipam, forCleanup) =>
    settle({ session, ipam, identity, fixed, holder }, request, answered, forCleanup),
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
