/**
 * The host's routes to a container: one per address, through its link. A route that is there
 * already is accepted when it is the same, replaced when it leads nowhere any more (the pod that
 * had the address before is gone, or half gone), and an error when it leads to a live link: then
 * somebody else uses the address, and taking it over would cut them off.
 */
import type { Kernel } from './kernel.ts'
import { findLinkByIndex } from './links.ts'
import { addressBits, familyOf } from './netlink/address-bytes.ts'
import { EEXIST, RT_SCOPE_LINK, RT_TABLE_MAIN, RTN_UNICAST } from './netlink/constants.ts'
import type { Link } from './netlink/link.ts'
import {
  addRoute,
  listRoutes,
  parseRoute,
  type Route,
  type RouteRequest,
  replaceRoute,
} from './netlink/route.ts'
import { NetlinkError, type NetlinkSocket } from './netlink/socket.ts'

/** How long a pod that is being deleted right now may keep the route of its old address. */
const conflictPollsMax = 20
const conflictPollMs = 100

export const hostRouteTo = (address: string, linkIndex: number): RouteRequest => ({
  dst: `${address}/${addressBits(familyOf(address))}`,
  linkIndex,
})

/** Routes of the main table to exactly this destination. */
export const routesTo = (socket: NetlinkSocket, dst: string): ReadonlyArray<Route> =>
  socket
    .list(listRoutes(familyOf(dst)))
    .map(parseRoute)
    .filter((route) => route.table === RT_TABLE_MAIN && route.dst === dst)

/** The kernel has no scopes for IPv6 and reports the widest; there only the gateway tells. */
const isSame = (route: Route, wanted: RouteRequest): boolean =>
  route.linkIndex === wanted.linkIndex &&
  route.type === RTN_UNICAST &&
  route.gateway === undefined &&
  (route.scope === RT_SCOPE_LINK || familyOf(wanted.dst) !== familyOf('0.0.0.0'))

export type Standing =
  | { readonly state: 'same' | 'stale' | 'gone' }
  | { readonly state: 'live'; readonly link: Link }

/** What is to be thought of the routes that stand where ours should. */
export const judgeRoutes = (
  routes: ReadonlyArray<Route>,
  wanted: RouteRequest,
  linkOf: (index: number) => Link | undefined,
): Standing => {
  if (routes.some((route) => isSame(route, wanted))) return { state: 'same' }
  if (routes.length === 0) return { state: 'gone' }
  for (const route of routes) {
    if (route.linkIndex === undefined || route.linkIndex === wanted.linkIndex) continue
    const link = linkOf(route.linkIndex)
    if (link?.isUp && link.hasCarrier) return { state: 'live', link }
  }
  return { state: 'stale' }
}

const addHostRoute = async (
  kernel: Kernel,
  host: NetlinkSocket,
  wanted: RouteRequest,
): Promise<void> => {
  let inTheWay = 'another route'
  for (let poll = 0; poll < conflictPollsMax; poll += 1) {
    if (poll > 0) await kernel.sleep(conflictPollMs)
    const [answer] = host.perform([addRoute(wanted)])
    if (answer === undefined || answer.errno === 0) return
    if (answer.errno !== EEXIST) throw new NetlinkError(answer)
    const standing = judgeRoutes(routesTo(host, wanted.dst), wanted, (index) =>
      findLinkByIndex(host, index),
    )
    if (standing.state === 'same') return
    if (standing.state === 'stale') {
      const [replaced] = host.perform([replaceRoute(wanted)])
      if (replaced?.errno === 0) {
        kernel.notes.warning(`replaced a stale route to ${wanted.dst}`)
        return
      }
    }
    if (standing.state === 'live') inTheWay = `a route through ${standing.link.name}`
  }
  throw new Error(`${inTheWay} exists already, and its link is up`)
}

/** Adds a route for each address. */
export const addHostRoutes = async (
  kernel: Kernel,
  host: NetlinkSocket,
  about: { readonly link: Link; readonly addresses: ReadonlyArray<string> },
): Promise<void> => {
  for (const address of about.addresses) {
    const wanted = hostRouteTo(address, about.link.index)
    try {
      await addHostRoute(kernel, host, wanted)
    } catch (error) {
      const why = (error as Error).message
      throw new Error(`cannot add route ${wanted.dst} through ${about.link.name}: ${why}`, {
        cause: error,
      })
    }
  }
}
