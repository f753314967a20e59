/**
 * The addresses of a fixed pod: those its identity has, taken over from whoever held them; on its
 * first start, or for a family it lacks, new ones by the ordinary precedence, under the identity's
 * handle. The allocation in the block is the truth, so that every allocator respects it.
 */
import { type FixedHold, fixedAttrs, type IPAM } from '@hc-calico/ipam-core'
import { addressOf, canonicalCIDR, familyOf } from '../addresses.ts'
import { isMissing } from '../failures.ts'
import type { FixedIdentity } from '../fixed-identity.ts'
import type { Identity } from '../identity.ts'
import type { Session } from '../session.ts'
import { requireAll, type TakenAddress, type WantedAddresses } from './assign.ts'
import { autoAssignInListOrder } from './in-list-order.ts'

/** Names this container among all that may ever hold the identity's addresses. */
const holderOf = (session: Session, identity: Identity) => ({
  id: identity.handleID,
  node: session.node,
})

const has = (hold: FixedHold | undefined, family: 4 | 6): boolean =>
  hold?.ips.some((cidr) => familyOf(addressOf(cidr)) === family) ?? false

const takenFrom = ({ ips }: FixedHold, { v4, v6 }: Wanted['plan']): ReadonlyArray<TakenAddress> =>
  ips
    .filter((cidr) => (familyOf(addressOf(cidr)) === 4 ? v4 : v6))
    .map((cidr) => ({ ip: addressOf(cidr), block: canonicalCIDR(cidr) as string }))

/** A first start that got only one of two families leaves nothing. */
const giveUp = async (ipam: IPAM, fixed: FixedIdentity, isFirst: boolean): Promise<void> => {
  if (!isFirst) return
  await ipam.releaseByHandle(fixed.handleID).catch((error: unknown) => {
    if (!isMissing(error)) throw error
  })
}

/** Whose addresses, and of which families. */
interface Wanted {
  readonly identity: Identity
  readonly fixed: FixedIdentity
  readonly plan: { readonly v4: boolean; readonly v6: boolean }
}

/** `ask` says what an ordinary pod with this plan would ask for; it is not needed on a restart. */
export const assignFixed = async (
  session: Session,
  ipam: IPAM,
  { identity, fixed, plan }: Wanted,
  ask: () => Promise<WantedAddresses>,
): Promise<ReadonlyArray<TakenAddress>> => {
  const holder = holderOf(session, identity)
  const request = { handleID: fixed.handleID, identity: fixed.text, holder }
  const hold = await ipam.takeOverFixed(request)
  const num4 = plan.v4 && !has(hold, 4) ? 1 : 0
  const num6 = plan.v6 && !has(hold, 6) ? 1 : 0
  if (hold !== undefined && num4 + num6 === 0) return takenFrom(hold, plan)
  const attrs = fixedAttrs({ identity: fixed.text, epoch: hold?.epoch ?? 1, holder })
  const { request: ordinary, service } = await ask()
  const { handleID } = fixed
  const first = { ...ordinary, num4, num6, handleID, attrs }
  const assigned = await autoAssignInListOrder(ipam, { request: first, service })
  try {
    requireAll(assigned, service)
  } catch (error) {
    await giveUp(ipam, fixed, hold === undefined)
    throw error
  }
  // Another incarnation may have been faster: its addresses are the identity's, and ours to take over.
  const all = await ipam.takeOverFixed(request)
  if (all === undefined) throw new Error('bug: an identity lost the addresses it was just given')
  session.log.info('Fixed', { identity: fixed.text, ips: all.ips.join(','), epoch: all.epoch })
  return takenFrom(all, plan)
}
