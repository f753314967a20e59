/** CHECK of the addresses: each one in `prevResult` is allocated, and to this container. */
import { fixedStateOf, type IPAM, IPAMFailure } from '@hc-calico/ipam-core'
import { addressOf } from '../addresses.ts'
import { isMissing } from '../failures.ts'
import { type Identity, identify } from '../identity.ts'
import { readingIPAM } from '../ipam-access.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'

/** Addresses the container holds in the datastore; none when its handle is gone. */
const heldBy = async (session: Session, handleID: string): Promise<ReadonlyArray<string>> => {
  const ipam = await readingIPAM(session)
  try {
    return await ipam.ipsByHandle(handleID)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** A fixed address belongs to the pod's identity; the container is its holder. */
export const isHolder = async (ipam: IPAM, ip: string, holderID: string): Promise<boolean> => {
  try {
    const { attrs } = await ipam.getAssignmentAttributes(ip)
    return fixedStateOf(attrs)?.holder?.id === holderID
  } catch (error) {
    if (error instanceof IPAMFailure) return false
    throw error
  }
}

/** One sentence per address that ADD reported and the datastore does not know as the container's. */
export const addressProblems = async (
  session: Session,
  identity: Identity,
  reported: ReadonlyArray<string>,
): Promise<ReadonlyArray<string>> => {
  const held = new Set(await heldBy(session, identity.handleID))
  const ipam = await readingIPAM(session)
  const strange: string[] = []
  for (const ip of reported.filter((one) => !held.has(one))) {
    if (!(await isHolder(ipam, ip, identity.handleID))) strange.push(ip)
  }
  return strange.map(
    (ip) => `${ip} is not allocated to this container (handle ${identity.handleID})`,
  )
}

/** The addresses in `prevResult`. Throws code 7 when there are none: ADD never returns none. */
export const reportedAddresses = (session: Session): ReadonlyArray<string> => {
  const ips = session.call.conf.prevResult?.ips ?? []
  if (ips.length > 0) return ips.map((one) => addressOf(one.address))
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    'invalid network configuration: prevResult has no ips, but ADD always returns some',
  )
}

export const checkFailure = (problems: ReadonlyArray<string>): CNIFailure =>
  new CNIFailure(cniErrorCode.checkFailed, `CHECK failed: ${problems.join('; ')}`)

export const checkAddresses = async (session: Session): Promise<void> => {
  const identity = identify(session.call, session.config, session.node)
  const problems = await addressProblems(session, identity, reportedAddresses(session))
  if (problems.length > 0) throw checkFailure(problems)
}
