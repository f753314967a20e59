/**
 * The addresses of a fixed pod: those its identity has, taken over from whoever held them; on its
 * first start, or for a family it lacks, new ones by the ordinary precedence, under the identity's
 * handle. The allocation in the block is the truth, so that every allocator respects it.
 */
import { type AutoAssignRequest, type FixedHold, fixedAttrs, type IPAM } from '@hc-calico/ipam-core'
import { addressOf, canonicalCIDR, familyOf } from '../addresses.ts'
import { isMissing } from '../failures.ts'
import type { FixedIdentity } from '../fixed-identity.ts'
import type { Identity } from '../identity.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { shortage, type TakenAddress } from './assign.ts'

/** Names this container among all that may ever hold the identity's addresses. */
const holderOf = (session: Session, identity: Identity) => ({
  id: identity.handleID,
  node: session.node,
})

const has = (hold: FixedHold | undefined, family: 4 | 6): boolean =>
  hold?.ips.some((cidr) => familyOf(addressOf(cidr)) === family) ?? false

const takenFrom = (
  { ips }: FixedHold,
  { num4, num6 }: AutoAssignRequest,
): ReadonlyArray<TakenAddress> =>
  ips
    .filter((cidr) => (familyOf(addressOf(cidr)) === 4 ? num4 : num6) === 1)
    .map((cidr) => ({ ip: addressOf(cidr), block: canonicalCIDR(cidr) as string }))

/** A first start that got only one of two families leaves nothing. */
const giveUp = async (ipam: IPAM, fixed: FixedIdentity, isFirst: boolean): Promise<void> => {
  if (!isFirst) return
  await ipam.releaseByHandle(fixed.handleID).catch((error: unknown) => {
    if (!isMissing(error)) throw error
  })
}

/** `wanted` is the request of an ordinary pod with this plan. */
export const assignFixed = async (
  session: Session,
  ipam: IPAM,
  about: { readonly identity: Identity; readonly fixed: FixedIdentity },
  wanted: AutoAssignRequest,
): Promise<ReadonlyArray<TakenAddress>> => {
  const { identity, fixed } = about
  const holder = holderOf(session, identity)
  const request = { handleID: fixed.handleID, identity: fixed.text, holder }
  const hold = await ipam.takeOverFixed(request)
  const num4 = wanted.num4 === 1 && !has(hold, 4) ? 1 : 0
  const num6 = wanted.num6 === 1 && !has(hold, 6) ? 1 : 0
  if (hold !== undefined && num4 + num6 === 0) return takenFrom(hold, wanted)
  const attrs = fixedAttrs({ identity: fixed.text, epoch: hold?.epoch ?? 1, holder })
  const { handleID } = fixed
  const { v4, v6 } = await ipam.autoAssign({ ...wanted, num4, num6, handleID, attrs })
  const short = shortage(4, v4) ?? shortage(6, v6)
  if (short !== undefined) {
    await giveUp(ipam, fixed, hold === undefined)
    throw new CNIFailure(cniErrorCode.addressRefused, short)
  }
  // Another incarnation may have been faster: its addresses are the identity's, and ours to take over.
  const all = await ipam.takeOverFixed(request)
  if (all === undefined) throw new Error('bug: an identity lost the addresses it was just given')
  session.log.info('Fixed', { identity: fixed.text, ips: all.ips.join(','), epoch: all.epoch })
  return takenFrom(all, wanted)
}
