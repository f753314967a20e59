/**
 * DEL of the main plugin: endpoint, link, addresses, in this order, so that an address is never
 * free while a link still carries it. Everything may be gone already; what a newer container of
 * the same pod owns stays. The IPAM lock is taken only after the kernel is done.
 */
import { type Identity, identify } from '../identity.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { deleteContainerAddresses } from './container-ipam.ts'
import { deleteEndpoint, readForDelete } from './endpoint-store.ts'
import { requireAbsolute } from './wiring.ts'

/** A container's own endpoint, or one of before containers were recorded. */
const mayDelete =
  (identity: Identity) =>
  (containerID: string | undefined): boolean =>
    containerID === undefined || containerID === '' || containerID === identity.containerID

const removeEndpoint = async (session: Session, identity: Identity): Promise<void> => {
  const seen = await readForDelete(session, identity)
  if (seen === undefined) return
  const owner = seen.value.containerID
  if (!mayDelete(identity)(owner)) {
    session.log.info('The endpoint belongs to a newer container and stays', { owner })
    return
  }
  await deleteEndpoint(session, seen.value, mayDelete(identity), seen)
}

/** A namespace that is gone, or a plain file where one was mounted before a reboot: nothing to do. */
const removeLink = async (session: Session): Promise<void> => {
  const { netns, ifName } = session.call.args
  if (netns === '') return
  requireAbsolute(netns)
  const dataplane = await session.machine.dataplane(session.log)
  const { state, isOwn } = await dataplane.inspectNamespace(netns)
  if (state !== 'present') return
  if (isOwn) {
    throw new CNIFailure(
      cniErrorCode.invalidNetworkNamespace,
      `CNI_NETNS "${netns}" is this plugin's own network namespace`,
    )
  }
  try {
    await dataplane.deleteWorkload({ netns, containerInterface: ifName })
  } catch (error) {
    throw new CNIFailure(
      cniErrorCode.wiringFailed,
      `error removing the interface ${ifName} from the container: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

export const deleteWorkload = async (session: Session): Promise<void> => {
  const identity = identify(session.call, session.config, session.node)
  await removeEndpoint(session, identity)
  await removeLink(session)
  await deleteContainerAddresses(session, identity)
}
