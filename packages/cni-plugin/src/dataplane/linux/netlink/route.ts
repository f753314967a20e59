/** Routes of the main table: messages that add, replace, delete and list them. */
import {
  type AddressFamily,
  addressBits,
  addressToBytes,
  addressToText,
  familyOf,
} from './address-bytes.ts'
import {
  type Attribute,
  bytes,
  concat,
  encodeAttributes,
  parseAttributes,
  readU32,
  u32,
} from './attribute.ts'
import {
  AF_INET6,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PRIORITY,
  RTA_TABLE,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTN_UNICAST,
  RTPROT_BOOT,
} from './constants.ts'
import type { NetlinkMessage, NetlinkRequest } from './message.ts'

export interface RouteRequest {
  /** CIDR text. */
  readonly dst: string
  readonly linkIndex: number
  /** Absent: the destination is on the link itself. */
  readonly gateway?: string
}

export interface Route {
  readonly family: AddressFamily
  /** CIDR text; a default route is `0.0.0.0/0` or `::/0`. */
  readonly dst: string
  /** Absent on blackhole routes and on routes with several next hops. */
  readonly linkIndex: number | undefined
  readonly gateway: string | undefined
  readonly table: number
  /** RTN_ number: 1 is unicast. */
  readonly type: number
  readonly scope: number
  readonly protocol: number
  readonly priority: number
}

const routeHeaderBytes = 12

interface RouteHeader {
  readonly family: number
  readonly prefixLength: number
  readonly scope: number
}

/** struct rtmsg: family, destination and source length, TOS, table, protocol, scope, type, flags. */
const routeHeader = ({ family, prefixLength, scope }: RouteHeader): Uint8Array => {
  const head = [family, prefixLength, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST]
  return Uint8Array.of(...head, 0, 0, 0, 0)
}

const splitCIDR = (cidr: string): { address: string; prefixLength: number } => {
  const [address = '', length] = cidr.split('/')
  const prefixLength = length === undefined ? addressBits(familyOf(address)) : Number(length)
  return { address, prefixLength }
}

const routeMessage = (type: number, flags: number, route: RouteRequest): NetlinkRequest => {
  const { address, prefixLength } = splitCIDR(route.dst)
  const scope = route.gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
  const attributes: Attribute[] = [
    // The kernel takes a missing destination for 0.0.0.0/0, and refuses one of length 0 with bytes.
    ...(prefixLength === 0 ? [] : [bytes(RTA_DST, addressToBytes(address))]),
    u32(RTA_OIF, route.linkIndex),
    ...(route.gateway === undefined ? [] : [bytes(RTA_GATEWAY, addressToBytes(route.gateway))]),
  ]
  const header = routeHeader({ family: familyOf(address), prefixLength, scope })
  return { type, flags, payload: concat([header, encodeAttributes(attributes)]) }
}

/** Fails with EEXIST when there is a route to this destination with the same priority. */
export const addRoute = (route: RouteRequest): NetlinkRequest =>
  routeMessage(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route)

/** Takes the place of a route to this destination with the same priority. */
export const replaceRoute = (route: RouteRequest): NetlinkRequest =>
  routeMessage(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route)

export const deleteRoute = (route: RouteRequest): NetlinkRequest =>
  routeMessage(RTM_DELROUTE, 0, route)

/**
 * Lists the routes of a family through one link, or all when it is undefined. Table and link are
 * filters only on a socket with strict checking; the reader filters as well.
 */
export const listRoutes = (family: AddressFamily, linkIndex?: number): NetlinkRequest => {
  const header = new Uint8Array(routeHeaderBytes)
  header[0] = family
  header[4] = RT_TABLE_MAIN
  const filter = linkIndex === undefined ? [] : [u32(RTA_OIF, linkIndex)]
  return {
    type: RTM_GETROUTE,
    flags: NLM_F_DUMP,
    payload: concat([header, encodeAttributes(filter)]),
  }
}

/** Reads an RTM_NEWROUTE. */
export const parseRoute = (message: NetlinkMessage): Route => {
  const [family = 0, prefixLength = 0, , , table = 0, protocol = 0, scope = 0, type = 0] =
    message.payload
  const attributes = parseAttributes(message.payload.subarray(routeHeaderBytes))
  const zero = new Uint8Array(family === AF_INET6 ? 16 : 4)
  const gateway = attributes.get(RTA_GATEWAY)
  return {
    family: family as AddressFamily,
    dst: `${addressToText(attributes.get(RTA_DST) ?? zero)}/${prefixLength}`,
    linkIndex: readU32(attributes.get(RTA_OIF)),
    gateway: gateway === undefined ? undefined : addressToText(gateway),
    table: readU32(attributes.get(RTA_TABLE)) ?? table,
    type,
    scope,
    protocol,
    priority: readU32(attributes.get(RTA_PRIORITY)) ?? 0,
  }
}
