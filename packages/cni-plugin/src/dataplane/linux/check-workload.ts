/**
 * Compares the kernel with what ADD made: link, addresses, routes on both sides. Reading and
 * comparing are apart; the comparison is pure.
 */
import type { CheckWorkloadRequest } from '../dataplane.ts'
import { familiesOf, gatewayIPv4, routesFor, socketInside } from './container.ts'
import { type Kernel, withHostSocket } from './kernel.ts'
import { linkLocalAddresses } from './link-local.ts'
import { findLink } from './links.ts'
import { type LinkAddress, listAddresses, parseAddress } from './netlink/address.ts'
import { type AddressFamily, addressBits, familyOf } from './netlink/address-bytes.ts'
import { AF_INET, AF_INET6 } from './netlink/constants.ts'
import type { Link } from './netlink/link.ts'
import { listRoutes, parseRoute, type Route } from './netlink/route.ts'
import type { NetlinkSocket } from './netlink/socket.ts'
import { openNamespace } from './netns.ts'

/** What is really there. */
export interface WorkloadState {
  readonly containerLink: Link | undefined
  readonly hostLink: Link | undefined
  readonly addresses: ReadonlyArray<LinkAddress>
  readonly containerRoutes: ReadonlyArray<Route>
  readonly hostRoutes: ReadonlyArray<Route>
  /** Link-local addresses of the host's end: possible gateways. */
  readonly gatewaysIPv6: ReadonlyArray<string>
}

type Problems = ReadonlyArray<string>

const compareValue = (what: string, is: unknown, should: unknown): Problems =>
  should === undefined || is === should ? [] : [`${what} is ${is}, and ADD reported ${should}`]

const compareLinks = (request: CheckWorkloadRequest, state: WorkloadState): Problems => {
  const { containerInterface, hostInterface, netns } = request
  const { containerLink, hostLink } = state
  const inside = `interface ${containerInterface} in ${netns}`
  if (containerLink === undefined) return [`${inside} does not exist`]
  const problems = [
    ...(containerLink.isUp ? [] : [`${inside} is down`]),
    ...compareValue(`the MAC address of ${inside}`, containerLink.mac, request.containerMAC),
    ...compareValue(`the MTU of ${inside}`, containerLink.mtu, request.mtu),
  ]
  if (hostLink === undefined) return [...problems, `host link ${hostInterface} does not exist`]
  const isPeer =
    hostLink.peerIndex === containerLink.index && containerLink.peerIndex === hostLink.index
  return [
    ...problems,
    ...(hostLink.isUp ? [] : [`host link ${hostInterface} is down`]),
    ...(isPeer ? [] : [`host link ${hostInterface} is not the other end of ${inside}`]),
  ]
}

const compareAddresses = (request: CheckWorkloadRequest, state: WorkloadState): Problems =>
  request.addresses
    .filter(
      (address) =>
        !state.addresses.some(
          (one) => one.address === address && one.prefixLength === addressBits(familyOf(address)),
        ),
    )
    .map((address) => {
      const cidr = `${address}/${addressBits(familyOf(address))}`
      return `interface ${request.containerInterface} in ${request.netns} lacks address ${cidr}`
    })

interface Expected {
  readonly dst: string
  readonly gateways: ReadonlyArray<string | undefined>
  readonly text: string
}

const expectedRoutes = (request: CheckWorkloadRequest, state: WorkloadState): Expected[] => {
  const { hasIPv4, hasIPv6 } = familiesOf(request.addresses)
  const via = (dst: string, gateways: ReadonlyArray<string>): Expected => ({
    dst,
    gateways,
    text: `${dst} via ${gateways.join(' or ') || 'the host end'}`,
  })
  const gateway = `${gatewayIPv4}/32`
  const ipv4: Expected[] = [
    { dst: gateway, gateways: [undefined], text: gateway },
    ...routesFor(request.routes, false)
      .filter((dst) => dst !== gateway)
      .map((dst) => via(dst, [gatewayIPv4])),
  ]
  const ipv6 = routesFor(request.routes, true).map((dst) => via(dst, state.gatewaysIPv6))
  return [...(hasIPv4 ? ipv4 : []), ...(hasIPv6 ? ipv6 : [])]
}

const compareContainerRoutes = (request: CheckWorkloadRequest, state: WorkloadState): Problems => {
  const index = state.containerLink?.index
  const isThere = (expected: Expected): boolean =>
    state.containerRoutes.some(
      (route) =>
        route.dst === expected.dst &&
        route.linkIndex === index &&
        expected.gateways.includes(route.gateway),
    )
  return expectedRoutes(request, state)
    .filter((expected) => !isThere(expected))
    .map((expected) => `route ${expected.text} is missing in ${request.netns}`)
}

const compareHostRoutes = (request: CheckWorkloadRequest, state: WorkloadState): Problems => {
  if (request.skipHostRoutes || state.hostLink === undefined) return []
  const index = state.hostLink.index
  return request.addresses.flatMap((address) => {
    const dst = `${address}/${addressBits(familyOf(address))}`
    const routes = state.hostRoutes.filter((route) => route.dst === dst)
    if (routes.some((route) => route.linkIndex === index)) return []
    const instead = routes.length === 0 ? 'is missing' : 'goes through another link'
    return [`host route ${dst} through ${request.hostInterface} ${instead}`]
  })
}

/** One sentence per difference. */
export const compareWorkload = (request: CheckWorkloadRequest, state: WorkloadState): Problems => {
  const links = compareLinks(request, state)
  if (state.containerLink === undefined) return [...links, ...compareHostRoutes(request, state)]
  return [
    ...links,
    ...compareAddresses(request, state),
    ...compareContainerRoutes(request, state),
    ...compareHostRoutes(request, state),
  ]
}

const families: ReadonlyArray<AddressFamily> = [AF_INET, AF_INET6]

const allRoutes = (socket: NetlinkSocket, linkIndex?: number): Route[] =>
  families.flatMap((family) => socket.list(listRoutes(family, linkIndex)).map(parseRoute))

const allAddresses = (socket: NetlinkSocket, linkIndex: number): LinkAddress[] =>
  families
    .flatMap((family) => socket.list(listAddresses(family, linkIndex)).map(parseAddress))
    .filter((one) => one.linkIndex === linkIndex)

const readState = (
  host: NetlinkSocket,
  container: NetlinkSocket,
  request: CheckWorkloadRequest,
): WorkloadState => {
  const containerLink = findLink(container, request.containerInterface)
  const hostLink = findLink(host, request.hostInterface)
  const inside = containerLink?.index
  return {
    containerLink,
    hostLink,
    addresses: inside === undefined ? [] : allAddresses(container, inside),
    containerRoutes: inside === undefined ? [] : allRoutes(container, inside),
    hostRoutes: request.skipHostRoutes ? [] : allRoutes(host),
    gatewaysIPv6: hostLink === undefined ? [] : linkLocalAddresses(host, hostLink.index),
  }
}

export const checkWorkload = async (
  kernel: Kernel,
  request: CheckWorkloadRequest,
): Promise<Problems> => {
  const found = openNamespace(request.netns)
  if (found.state === 'missing') return [`network namespace ${request.netns} does not exist`]
  if (found.state === 'notANamespace') return [`${request.netns} is not a network namespace`]
  const { namespace } = found
  try {
    if (namespace.isOwn) return [`${request.netns} is the host's own network namespace`]
    return await withHostSocket(kernel, async (host) => {
      const container = socketInside(kernel, namespace)
      try {
        return compareWorkload(request, readState(host, container, request))
      } finally {
        container.close()
      }
    })
  } finally {
    namespace.close()
  }
}
