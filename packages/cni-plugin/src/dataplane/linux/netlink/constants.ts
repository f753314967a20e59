/**
 * The numbers of Linux' route netlink that we use, under their kernel names (linux/netlink.h,
 * rtnetlink.h, if_link.h, if_addr.h, veth.h). Constants rather than a library: this is all of it.
 */

export const NETLINK_ROUTE = 0

/** Message types every netlink family shares. */
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3
export const NLMSG_OVERRUN = 4

export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17
export const RTM_GETLINK = 18
export const RTM_NEWADDR = 20
export const RTM_GETADDR = 22
export const RTM_NEWROUTE = 24
export const RTM_DELROUTE = 25
export const RTM_GETROUTE = 26

export const NLM_F_REQUEST = 0x1
export const NLM_F_MULTI = 0x2
export const NLM_F_ACK = 0x4
export const NLM_F_DUMP_INTR = 0x10
/** On a request for a list. */
export const NLM_F_DUMP = 0x300
/** On a request that makes something. */
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
/** On an acknowledgement: the request is not echoed whole; attributes with an explanation follow. */
export const NLM_F_CAPPED = 0x100
export const NLM_F_ACK_TLVS = 0x200

export const NLMSGERR_ATTR_MSG = 1

/** The two top bits of an attribute's type are flags. */
export const NLA_F_NESTED = 0x8000
export const NLA_TYPE_MASK = 0x3fff

export const IFLA_ADDRESS = 1
export const IFLA_IFNAME = 3
export const IFLA_MTU = 4
export const IFLA_LINK = 5
export const IFLA_OPERSTATE = 16
export const IFLA_LINKINFO = 18
export const IFLA_NET_NS_FD = 28
export const IFLA_EXT_MASK = 29
export const IFLA_NUM_TX_QUEUES = 31
export const IFLA_NUM_RX_QUEUES = 32
export const IFLA_LINK_NETNSID = 37
export const IFLA_INFO_KIND = 1
export const IFLA_INFO_DATA = 2
export const VETH_INFO_PEER = 1
export const IFLA_NETKIT_PEER_INFO = 1
export const IFLA_NETKIT_POLICY = 3
export const IFLA_NETKIT_PEER_POLICY = 4
export const IFLA_NETKIT_MODE = 5
/** Layer 2: the ends have MAC addresses and the kernel resolves neighbours, as with veth. */
export const NETKIT_L2 = 0
export const NETKIT_PASS = 0

export const IFF_UP = 0x1
/** The peer is up too: packets pass. */
export const IFF_LOWER_UP = 0x10000

export const IFA_ADDRESS = 1
export const IFA_LOCAL = 2
export const IFA_FLAGS = 8
export const IFA_F_DADFAILED = 0x08
export const IFA_F_TENTATIVE = 0x40

export const RTA_DST = 1
export const RTA_OIF = 4
export const RTA_GATEWAY = 5
export const RTA_PRIORITY = 6
export const RTA_TABLE = 15

export const AF_INET = 2
export const AF_INET6 = 10

export const RT_TABLE_MAIN = 254
/** Set by hand or by a program that is no routing daemon: what Calico's plugin writes. */
export const RTPROT_BOOT = 3
export const RT_SCOPE_UNIVERSE = 0
export const RT_SCOPE_LINK = 253
export const RTN_UNICAST = 1

/** Errors we decide on; every other one is only reported. */
export const EEXIST = 17
export const ENODEV = 19
export const EINVAL = 22
export const ENOENT = 2
export const EINTR = 4
export const ESRCH = 3
export const EAGAIN = 11
export const EOPNOTSUPP = 95
