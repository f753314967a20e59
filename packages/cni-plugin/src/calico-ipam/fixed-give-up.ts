/**
 * After a fixed pod's start that failed: what this container took goes back, what the identity had
 * before stays and is parked, and what somebody has taken over meanwhile is theirs.
 */
import type { FixedHold, IPAM } from '@hc-calico/ipam-core'
import { addressOf, familyOf } from '../addresses.ts'
import { isMissing } from '../failures.ts'
import { isHolder } from './check.ts'
import type { FixedCall } from './fixed-wishes.ts'
import { parkAddresses } from './release.ts'

const heldNow = async (ipam: IPAM, handleID: string): Promise<ReadonlyArray<string>> => {
  try {
    return await ipam.ipsByHandle(handleID)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** `before`: what the identity had. Never rejects. */
export const giveUp = async (
  { session, fixed, holder, identity, firstEpoch }: FixedCall,
  before: FixedHold | undefined,
  forCleanup: () => Promise<IPAM>,
): Promise<void> => {
  const { handleID } = fixed
  try {
    const ipam = await forCleanup()
    // Of a family it had, it keeps both: nobody knows how far the exchange has come.
    const had = new Set((before?.ips ?? []).map((cidr) => familyOf(addressOf(cidr))))
    const now = await heldNow(ipam, handleID)
    const fresh = now.filter((ip) => !had.has(familyOf(ip)))
    const isOwn = await Promise.all(fresh.map((ip) => isHolder(ipam, ip, holder.id)))
    const ips = fresh.filter((_, i) => isOwn[i])
    const seen = { handleID, epoch: before?.epoch ?? firstEpoch, holderID: holder.id }
    // Each for itself: what an earlier ADD of this container took has another epoch, and is parked.
    for (const ip of ips) await ipam.releaseFixed({ ...seen, ips: [ip] })
    await parkAddresses(session, ipam, identity)
  } catch (error) {
    const reason = (error as Error).message
    session.log.warning('Could not give fixed addresses back', { identity: fixed.text, reason })
  }
}
