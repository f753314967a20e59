/**
 * Wires one container (Calico's order). Whatever fails after the pair exists, deleting the host's
 * end takes everything back: the other end, its addresses and all routes through both go with it.
 */
import type { AddWorkloadRequest, WorkloadLink } from '../dataplane.ts'
import { configureIPv4, configureIPv6, enterContainer, familiesOf } from './container.ts'
import { type Kernel, withHostSocket } from './kernel.ts'
import { waitForLinkLocal } from './link-local.ts'
import { attempt, findLink, removeLink } from './links.ts'
import { type Link, setLinkState } from './netlink/link.ts'
import { expectDone, type NetlinkSocket } from './netlink/socket.ts'
import { type Namespace, openContainerNamespace } from './netns.ts'
import { addHostRoutes } from './routes.ts'
import { applySysctls, hostSysctls } from './sysctl.ts'
import { confirmHostMAC, createWorkloadPair, removeStaleLink } from './veth.ts'

const readContainerEnd = (container: NetlinkSocket, request: AddWorkloadRequest): Link => {
  const link = findLink(container, request.containerInterface)
  if (link?.mac !== undefined && link.mtu !== undefined) return link
  throw new Error(`interface ${request.containerInterface} vanished from ${request.netns}`)
}

/** Everything after the pair exists. */
const configure = async (
  kernel: Kernel,
  host: NetlinkSocket,
  wiring: { request: AddWorkloadRequest; namespace: Namespace; made: Link },
): Promise<WorkloadLink> => {
  const { request, namespace } = wiring
  const families = familiesOf(request.addresses)
  const link = await confirmHostMAC(kernel, host, wiring.made)
  applySysctls(hostSysctls(link.name, families), kernel.writeSysctl, kernel.notes)
  const container = enterContainer(kernel, namespace, request)
  try {
    attempt(`cannot set link ${link.name} up`, () =>
      expectDone(host.perform([setLinkState(link.index, true)])),
    )
    const end = readContainerEnd(container, request)
    configureIPv4(container, end.index, request)
    if (families.hasIPv6) {
      const gateway = await waitForLinkLocal(kernel, host, link)
      configureIPv6(container, { index: end.index, gateway }, request)
    }
    if (!request.skipHostRoutes) {
      await addHostRoutes(kernel, host, { link, addresses: request.addresses })
    }
    return { hostInterface: link.name, containerMAC: end.mac ?? '', mtu: end.mtu ?? 0 }
  } finally {
    container.close()
  }
}

/** The first error matters; one while taking back is only noted. */
const takeBack = (kernel: Kernel, host: NetlinkSocket, made: Link): void => {
  try {
    removeLink(host, made)
  } catch (error) {
    kernel.notes.warning(`after a failure: ${(error as Error).message}`)
  }
}

export const addWorkload = async (
  kernel: Kernel,
  request: AddWorkloadRequest,
): Promise<WorkloadLink> => {
  const namespace = openContainerNamespace(request.netns)
  try {
    return await withHostSocket(kernel, async (host) => {
      removeStaleLink(host, request.hostInterface)
      const made = createWorkloadPair(host, request, namespace)
      try {
        return await configure(kernel, host, { request, namespace, made })
      } catch (error) {
        takeBack(kernel, host, made)
        throw error
      }
    })
  } finally {
    namespace.close()
  }
}
