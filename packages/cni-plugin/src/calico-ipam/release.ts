/**
 * Gives back what a container holds: by handle, so that it needs nothing but the container's id.
 * What is not there any more is success. Called by DEL of both plugins and after a failed ADD.
 */
import type { IPAM } from '@hc-calico/ipam-core'
import { canonicalCIDR, isHostCIDR } from '../addresses.ts'
import { readAll } from '../datastore-access.ts'
import { isMissing } from '../failures.ts'
import { fixedHandleID } from '../fixed-identity.ts'
import type { Identity } from '../identity.ts'
import { withIPAMForCleanup, withLockedIPAM } from '../ipam-access.ts'
import type { AddressSession } from '../session.ts'
import type { Result } from '../skel/result.ts'

/** Blocks that ADD's result names: in its routes, or as the prefix of its addresses. */
export const blocksNamedBy = (previous: Result | undefined): ReadonlyArray<string> => {
  if (previous === undefined) return []
  const named = [
    ...previous.routes.map((one) => one.dst),
    ...previous.ips.map((one) => one.address),
  ]
  const blocks = named
    .filter((cidr) => !isHostCIDR(cidr) && !cidr.endsWith('/0'))
    .flatMap((cidr) => canonicalCIDR(cidr) ?? [])
  return [...new Set(blocks)]
}

/** Whether any address was under the handle: a count left over by an interrupted writer is none. */
const releaseHandle = async (
  session: AddressSession,
  ipam: IPAM,
  handleID: string,
  blocks: ReadonlyArray<string>,
): Promise<boolean> => {
  try {
    const hints = blocks.length === 0 ? {} : { blocks }
    const { released } = await ipam.releaseByHandle(handleID, hints)
    session.log.info('Released', { handle: handleID, ips: released.join(',') })
    return released.length > 0
  } catch (error) {
    if (!isMissing(error)) throw error
    session.log.debug('Nothing to release', { handle: handleID })
    return false
  }
}

/**
 * A fixed pod's container holds nothing itself: the addresses are its identity's. They are parked,
 * if this container is still the one that holds them.
 */
export const parkAddresses = async (
  session: AddressSession,
  ipam: IPAM,
  { namespace, pod, handleID }: Identity,
): Promise<void> => {
  if (pod === undefined) return
  const fixed = fixedHandleID(namespace, pod)
  const parked = await ipam.parkFixed({ handleID: fixed, holderID: handleID })
  if (parked.length > 0) session.log.info('Parked', { handle: fixed, ips: parked.join(',') })
}

/** Versions before Calico 3 used another handle; it is looked for beside the release, not after. */
const legacyHandleExists = async (
  session: AddressSession,
  identity: Identity,
): Promise<boolean> => {
  const datastore = await session.datastore()
  const key = { kind: 'Handle', id: identity.legacyHandleID } as const
  const [handle] = await readAll(datastore, [{ get: key }])
  return handle !== undefined
}

export const releaseAddresses = (
  session: AddressSession,
  identity: Identity,
  blocks: ReadonlyArray<string>,
): Promise<void> =>
  withLockedIPAM(session, async (ipam) => {
    const [hasLegacy, wasHeld] = await Promise.all([
      legacyHandleExists(session, identity),
      releaseHandle(session, ipam, identity.handleID, blocks),
    ])
    // Pods that are not fixed pay nothing for it.
    if (!wasHeld) await parkAddresses(session, ipam, identity)
    if (hasLegacy) await releaseHandle(session, ipam, identity.legacyHandleID, [])
  })

/** After a failed ADD: only this container's own handle. Never rejects. */
export const releaseAfterFailure = async (
  session: AddressSession,
  identity: Identity,
): Promise<void> => {
  try {
    await withIPAMForCleanup(session, async (ipam) => {
      const wasHeld = await releaseHandle(session, ipam, identity.handleID, [])
      if (!wasHeld) await parkAddresses(session, ipam, identity)
    })
  } catch (error) {
    session.log.warning('Could not give addresses back; DEL or GC will', {
      handle: identity.handleID,
      reason: (error as Error).message,
    })
  }
}
