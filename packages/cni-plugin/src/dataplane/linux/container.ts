/**
 * The container's side: sysctls and a socket during one short visit, everything else over that
 * socket from outside.
 */
import type { AddWorkloadRequest, ContainerRoute } from '../dataplane.ts'
import { answerTimeoutMs, type Kernel } from './kernel.ts'
import { addAddress } from './netlink/address.ts'
import { familyOf } from './netlink/address-bytes.ts'
import { AF_INET6, EEXIST } from './netlink/constants.ts'
import { setLinkState } from './netlink/link.ts'
import type { NetlinkRequest } from './netlink/message.ts'
import { addRoute, type RouteRequest } from './netlink/route.ts'
import { NetlinkError, type NetlinkSocket, openNetlink } from './netlink/socket.ts'
import { type Namespace, visitNamespace } from './netns.ts'
import { applySysctls, containerSysctls, type Families } from './sysctl.ts'

/** Nobody has this address: the host's end answers for it (proxy ARP). */
export const gatewayIPv4 = '169.254.1.1'

export const familiesOf = (addresses: ReadonlyArray<string>): Families => ({
  hasIPv4: addresses.some((address) => familyOf(address) !== AF_INET6),
  hasIPv6: addresses.some((address) => familyOf(address) === AF_INET6),
})

/** The visit: sysctls before the link is up, and a socket that outlives it. */
export const enterContainer = (
  kernel: Kernel,
  namespace: Namespace,
  request: AddWorkloadRequest,
): NetlinkSocket => {
  const sysctls = containerSysctls({
    name: request.containerInterface,
    allowIPForwarding: request.allowIPForwarding,
    ...familiesOf(request.addresses),
  })
  return visitNamespace(kernel.libc, namespace, () => {
    applySysctls(sysctls, kernel.writeSysctl, kernel.notes)
    return openNetlink(kernel.libc, answerTimeoutMs)
  })
}

/** Only a socket: for DEL and CHECK. */
export const socketInside = (kernel: Kernel, namespace: Namespace): NetlinkSocket =>
  visitNamespace(kernel.libc, namespace, () => openNetlink(kernel.libc, answerTimeoutMs))

/** The routes that can exist: those of a family the container has an address of, each once. */
export const routesFor = (
  routes: ReadonlyArray<ContainerRoute>,
  isIPv6: boolean,
): ReadonlyArray<string> => [
  ...new Set(
    routes.map((route) => route.dst).filter((dst) => (familyOf(dst) === AF_INET6) === isIPv6),
  ),
]

interface Step {
  /** What failed, when it fails: `cannot add ...`. */
  readonly what: string
  readonly request: NetlinkRequest
}

/** All in one send. The kernel goes on after a failure, so the first one is the cause. */
const performSteps = (socket: NetlinkSocket, netns: string, steps: ReadonlyArray<Step>): void => {
  const answers = socket.perform(steps.map((step) => step.request))
  answers.forEach((answer, index) => {
    if (answer.errno === 0) return
    const error = new NetlinkError(answer)
    const exists = answer.errno === EEXIST ? ' (another network of the container has it)' : ''
    throw new Error(`cannot ${steps[index]?.what} in ${netns}: ${error.message}${exists}`, {
      cause: error,
    })
  })
}

const routeStep = (name: string, route: RouteRequest): Step => {
  const via = route.gateway === undefined ? '' : ` via ${route.gateway}`
  return { what: `add route ${route.dst}${via} to ${name}`, request: addRoute(route) }
}

const addressStep = (name: string, linkIndex: number, address: string): Step => ({
  what: `add address ${address} to ${name}`,
  request: addAddress(linkIndex, address),
})

const addressesOf = (request: AddWorkloadRequest, isIPv6: boolean): ReadonlyArray<string> =>
  request.addresses.filter((address) => (familyOf(address) === AF_INET6) === isIPv6)

/** Brings the link up and gives it what does not have to wait: the whole of IPv4. */
export const configureIPv4 = (
  socket: NetlinkSocket,
  linkIndex: number,
  request: AddWorkloadRequest,
): void => {
  const { containerInterface: name, netns } = request
  const addresses = addressesOf(request, false)
  const gateway: RouteRequest = { dst: `${gatewayIPv4}/32`, linkIndex }
  const routes = routesFor(request.routes, false)
    .filter((dst) => dst !== gateway.dst)
    .map((dst) => ({ dst, linkIndex, gateway: gatewayIPv4 }))
  performSteps(socket, netns, [
    { what: `set ${name} up`, request: setLinkState(linkIndex, true) },
    ...(addresses.length === 0 ? [] : [gateway, ...routes].map((route) => routeStep(name, route))),
    ...addresses.map((address) => addressStep(name, linkIndex, address)),
  ])
}

export const configureIPv6 = (
  socket: NetlinkSocket,
  link: { readonly index: number; readonly gateway: string },
  request: AddWorkloadRequest,
): void => {
  const { containerInterface: name, netns } = request
  performSteps(socket, netns, [
    ...routesFor(request.routes, true).map((dst) =>
      routeStep(name, { dst, linkIndex: link.index, gateway: link.gateway }),
    ),
    ...addressesOf(request, true).map((address) => addressStep(name, link.index, address)),
  ])
}
