/**
 * Links: messages that make, find, change and delete one. A pair is made by a single message whose
 * peer names the container's namespace by file descriptor: the peer is born there. Moving it there
 * afterwards costs the kernel a grace period (15 ms) per pod.
 */
import { macToBytes, macToText } from './address-bytes.ts'
import {
  type Attribute,
  bytes,
  concat,
  encodeAttributes,
  nested,
  parseAttributes,
  readText,
  readU32,
  text,
  u32,
  viewOf,
} from './attribute.ts'
import {
  IFF_LOWER_UP,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINK_NETNSID,
  IFLA_LINKINFO,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  IFLA_NETKIT_MODE,
  IFLA_NETKIT_PEER_INFO,
  IFLA_NETKIT_PEER_POLICY,
  IFLA_NETKIT_POLICY,
  IFLA_NUM_RX_QUEUES,
  IFLA_NUM_TX_QUEUES,
  NETKIT_L2,
  NETKIT_PASS,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  VETH_INFO_PEER,
} from './constants.ts'
import type { NetlinkMessage, NetlinkRequest } from './message.ts'

export interface Link {
  readonly index: number
  readonly name: string
  /** Set to be up by the administrator. */
  readonly isUp: boolean
  /** Packets pass: the other end is up too. */
  readonly hasCarrier: boolean
  readonly mac: string | undefined
  readonly mtu: number | undefined
  /** `veth`, `netkit`, `bridge`...; undefined for hardware and loopback. */
  readonly kind: string | undefined
  /** Index of the other end of a pair, in the namespace of that end. */
  readonly peerIndex: number | undefined
  /** Whether the other end is in another namespace. */
  readonly peerIsElsewhere: boolean
}

export interface PairRequest {
  readonly kind: 'veth' | 'netkit'
  readonly name: string
  readonly mac?: string
  readonly peerName: string
  readonly peerMAC?: string
  /** Namespace of the peer. */
  readonly peerNamespaceFD: number
  /** 0: the kernel's own. */
  readonly mtu: number
  readonly numQueues: number
}

const linkHeaderBytes = 16

/** struct ifinfomsg: family, device type, index, flags, which flags change. */
const linkHeader = (index = 0, flags = 0, change = 0): Uint8Array => {
  const header = new Uint8Array(linkHeaderBytes)
  const view = viewOf(header)
  view.setInt32(4, index, true)
  view.setUint32(8, flags, true)
  view.setUint32(12, change, true)
  return header
}

const linkRequest = (
  type: number,
  header: Uint8Array,
  attributes: ReadonlyArray<Attribute> = [],
  flags = 0,
): NetlinkRequest => ({ type, flags, payload: concat([header, encodeAttributes(attributes)]) })

const endAttributes = (
  end: { readonly name: string; readonly mac: string | undefined },
  pair: PairRequest,
): Attribute[] => [
  text(IFLA_IFNAME, end.name),
  ...(end.mac === undefined ? [] : [bytes(IFLA_ADDRESS, macToBytes(end.mac))]),
  ...(pair.mtu === 0 ? [] : [u32(IFLA_MTU, pair.mtu)]),
  u32(IFLA_NUM_TX_QUEUES, pair.numQueues),
  u32(IFLA_NUM_RX_QUEUES, pair.numQueues),
]

const kindData = (kind: PairRequest['kind'], peer: ReadonlyArray<Attribute>): Attribute[] => {
  if (kind === 'veth') return [nested(VETH_INFO_PEER, peer, linkHeader())]
  return [
    u32(IFLA_NETKIT_POLICY, NETKIT_PASS),
    u32(IFLA_NETKIT_PEER_POLICY, NETKIT_PASS),
    u32(IFLA_NETKIT_MODE, NETKIT_L2),
    nested(IFLA_NETKIT_PEER_INFO, peer, linkHeader()),
  ]
}

/**
 * Makes a pair: one end where the socket is (for netkit the primary, which may filter), the other
 * in the given namespace. A MAC address given here counts as set by the administrator, so that
 * udev leaves it alone.
 */
export const createPair = (pair: PairRequest): NetlinkRequest => {
  const peer = [
    ...endAttributes({ name: pair.peerName, mac: pair.peerMAC }, pair),
    u32(IFLA_NET_NS_FD, pair.peerNamespaceFD),
  ]
  const attributes = [
    ...endAttributes({ name: pair.name, mac: pair.mac }, pair),
    nested(IFLA_LINKINFO, [
      text(IFLA_INFO_KIND, pair.kind),
      nested(IFLA_INFO_DATA, kindData(pair.kind, peer)),
    ]),
  ]
  return linkRequest(RTM_NEWLINK, linkHeader(), attributes, NLM_F_CREATE | NLM_F_EXCL)
}

export const getLinkByName = (name: string): NetlinkRequest =>
  linkRequest(RTM_GETLINK, linkHeader(), [text(IFLA_IFNAME, name)])

export const getLinkByIndex = (index: number): NetlinkRequest =>
  linkRequest(RTM_GETLINK, linkHeader(index))

export const deleteLink = (index: number): NetlinkRequest =>
  linkRequest(RTM_DELLINK, linkHeader(index))

export const setLinkState = (index: number, up: boolean): NetlinkRequest =>
  linkRequest(RTM_NEWLINK, linkHeader(index, up ? IFF_UP : 0, IFF_UP))

export const setLinkMAC = (index: number, mac: string): NetlinkRequest =>
  linkRequest(RTM_NEWLINK, linkHeader(index), [bytes(IFLA_ADDRESS, macToBytes(mac))])

/** Reads an RTM_NEWLINK. */
export const parseLink = (message: NetlinkMessage): Link => {
  const { payload } = message
  const view = viewOf(payload)
  const flags = view.getUint32(8, true)
  const attributes = parseAttributes(payload.subarray(linkHeaderBytes))
  const info = attributes.get(IFLA_LINKINFO)
  const mac = attributes.get(IFLA_ADDRESS)
  return {
    index: view.getInt32(4, true),
    name: readText(attributes.get(IFLA_IFNAME)) ?? '',
    isUp: (flags & IFF_UP) !== 0,
    hasCarrier: (flags & IFF_LOWER_UP) !== 0,
    mac: mac === undefined ? undefined : macToText(mac),
    mtu: readU32(attributes.get(IFLA_MTU)),
    kind: info === undefined ? undefined : readText(parseAttributes(info).get(IFLA_INFO_KIND)),
    peerIndex: readU32(attributes.get(IFLA_LINK)),
    peerIsElsewhere: attributes.has(IFLA_LINK_NETNSID),
  }
}
