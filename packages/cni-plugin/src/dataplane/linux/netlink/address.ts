/** Addresses of links: messages that add one and list them. */
import {
  type AddressFamily,
  addressBits,
  addressToBytes,
  addressToText,
  familyOf,
} from './address-bytes.ts'
import { bytes, concat, encodeAttributes, parseAttributes, readU32, viewOf } from './attribute.ts'
import {
  IFA_ADDRESS,
  IFA_FLAGS,
  IFA_LOCAL,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  RTM_GETADDR,
  RTM_NEWADDR,
} from './constants.ts'
import type { NetlinkMessage, NetlinkRequest } from './message.ts'

export interface LinkAddress {
  readonly linkIndex: number
  readonly address: string
  readonly prefixLength: number
  /** IFA_F_ bits. */
  readonly flags: number
}

const addressHeaderBytes = 8

/** struct ifaddrmsg: family, prefix length, flags, scope (universe), link. */
const addressHeader = (family: number, prefixLength: number, linkIndex: number): Uint8Array => {
  const header = Uint8Array.of(family, prefixLength, 0, 0, 0, 0, 0, 0)
  viewOf(header).setUint32(4, linkIndex, true)
  return header
}

/** Adds a single address, /32 or /128. */
export const addAddress = (linkIndex: number, address: string): NetlinkRequest => {
  const family = familyOf(address)
  const value = addressToBytes(address)
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    payload: concat([
      addressHeader(family, addressBits(family), linkIndex),
      encodeAttributes([bytes(IFA_LOCAL, value), bytes(IFA_ADDRESS, value)]),
    ]),
  }
}

/**
 * Lists the addresses of a family. The link is a filter only on a socket with strict checking;
 * the reader filters as well.
 */
export const listAddresses = (family: AddressFamily, linkIndex: number): NetlinkRequest => ({
  type: RTM_GETADDR,
  flags: NLM_F_DUMP,
  payload: addressHeader(family, 0, linkIndex),
})

/** Reads an RTM_NEWADDR. */
export const parseAddress = (message: NetlinkMessage): LinkAddress => {
  const { payload } = message
  const attributes = parseAttributes(payload.subarray(addressHeaderBytes))
  const value = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? new Uint8Array(0)
  return {
    linkIndex: viewOf(payload).getUint32(4, true),
    address: addressToText(value),
    prefixLength: payload[1] ?? 0,
    flags: readU32(attributes.get(IFA_FLAGS)) ?? payload[2] ?? 0,
  }
}
