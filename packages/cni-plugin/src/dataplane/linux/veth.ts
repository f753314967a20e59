/**
 * The pair of links that joins a container to the host. It is made from the host's side with the
 * container's end born in the container's namespace, and the host's MAC address set from the
 * start: Calico gives every host end the same one, so that the link-local address of the gateway
 * is known and nothing has to be learnt again after a migration.
 */
import type { AddWorkloadRequest } from '../dataplane.ts'
import type { Kernel } from './kernel.ts'
import { attempt, findLink, findLinkByIndex, isPair, removeLink } from './links.ts'
import { EEXIST, EINVAL, EOPNOTSUPP } from './netlink/constants.ts'
import { createPair, type Link, type PairRequest, setLinkMAC } from './netlink/link.ts'
import { expectDone, NetlinkError, type NetlinkSocket } from './netlink/socket.ts'
import type { Namespace } from './netns.ts'

export const hostMAC = 'ee:ee:ee:ee:ee:ee'

const macPollMs = 100
const macPollsMax = 50

/** Deletes the link of an earlier container of the pod. */
export const removeStaleLink = (host: NetlinkSocket, name: string): void => {
  const stale = findLink(host, name)
  if (stale === undefined) return
  if (!isPair(stale)) {
    throw new Error(`link ${name} exists on the host and is a ${stale.kind ?? 'device'}, not ours`)
  }
  removeLink(host, stale)
}

const pairRequest = (
  kind: PairRequest['kind'],
  request: AddWorkloadRequest,
  namespace: Namespace,
): PairRequest => ({
  kind,
  name: request.hostInterface,
  mac: hostMAC,
  peerName: request.containerInterface,
  ...(request.containerMAC === undefined ? {} : { peerMAC: request.containerMAC }),
  peerNamespaceFD: namespace.fd,
  mtu: request.mtu,
  numQueues: request.numQueues,
})

const errnoOf = (error: unknown): number => (error instanceof NetlinkError ? error.errno : 0)

const create = (host: NetlinkSocket, pair: PairRequest): void =>
  expectDone(host.perform([createPair(pair)]))

/** The sentence for a pair that could not be made. */
const creationError = (host: NetlinkSocket, request: AddWorkloadRequest, error: unknown): Error => {
  const { hostInterface, containerInterface, netns } = request
  if (errnoOf(error) === EEXIST) {
    const where = findLink(host, hostInterface) === undefined
    const taken = where
      ? `interface ${containerInterface} exists already in network namespace ${netns}`
      : `link ${hostInterface} was made by somebody else at the same moment`
    return new Error(taken, { cause: error })
  }
  const why = (error as Error).message
  const about = errnoOf(error) === EINVAL && request.mtu > 0 ? ` with MTU ${request.mtu}` : ''
  return new Error(
    `cannot create link ${hostInterface} with ${containerInterface} in ${netns}${about}: ${why}`,
    { cause: error },
  )
}

/** A kernel without netkit answers so; Calico falls back to veth then. */
const isUnsupported = (error: unknown): boolean => errnoOf(error) === EOPNOTSUPP

const createOfKind = (host: NetlinkSocket, request: AddWorkloadRequest, ns: Namespace): void => {
  if (request.deviceType === 'netkit') {
    try {
      create(host, pairRequest('netkit', request, ns))
      return
    } catch (error) {
      if (!isUnsupported(error)) throw error
    }
  }
  create(host, pairRequest('veth', request, ns))
}

/** Makes the pair and answers the host's end. On an error nothing was made. */
export const createWorkloadPair = (
  host: NetlinkSocket,
  request: AddWorkloadRequest,
  namespace: Namespace,
): Link => {
  try {
    createOfKind(host, request, namespace)
  } catch (error) {
    throw creationError(host, request, error)
  }
  const link = findLink(host, request.hostInterface)
  if (link === undefined)
    throw new Error(`link ${request.hostInterface} vanished while it was made`)
  return link
}

/**
 * Reads the MAC address back until it is Calico's, setting it again: udev and network managers
 * change addresses of new links. Answers the link as it is then. A kernel that refuses the address
 * keeps its own, as upstream does.
 */
export const confirmHostMAC = async (
  kernel: Kernel,
  host: NetlinkSocket,
  link: Link,
): Promise<Link> => {
  let current: Link = link
  for (let poll = 0; poll < macPollsMax; poll += 1) {
    if (current.mac === hostMAC) return current
    const [answer] = host.perform([setLinkMAC(current.index, hostMAC)])
    if (answer !== undefined && answer.errno !== 0) {
      const why = new NetlinkError(answer).message
      kernel.notes.warning(`link ${link.name} keeps MAC address ${current.mac}: ${why}`)
      return current
    }
    if (poll > 0) await kernel.sleep(macPollMs)
    current = attempt(`cannot read link ${link.name}`, () => present(host, current))
  }
  throw new Error(`link ${link.name} has MAC address ${current.mac} and does not take ${hostMAC}`)
}

const present = (host: NetlinkSocket, link: Link): Link => {
  const found = findLinkByIndex(host, link.index)
  if (found === undefined) throw new Error('it vanished')
  return found
}
