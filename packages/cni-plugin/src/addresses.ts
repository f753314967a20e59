/**
 * The few address computations the plugin needs, from text to canonical text (RFC 5952): the form
 * of every key, name and result.
 */
import {
  addressAt as addressAtOrdinal,
  bitsOf,
  containsAddress,
  formatCIDR,
  formatIPAddress,
  parseCIDRMasked,
  parseIPAddress,
  trustedCIDR,
  trustedIPAddress,
} from '@hc-calico/ipam-core/ip'
import { isLeft } from 'fp-ts/lib/Either.js'
import { familyOfText } from './skel/address-text.ts'

export const familyOf = familyOfText

/** Undefined: not an address. */
export const canonicalAddress = (text: string): string | undefined => {
  const parsed = parseIPAddress(text)
  return isLeft(parsed) ? undefined : formatIPAddress(parsed.right)
}

/** The CIDR with its host bits cleared; undefined: not a CIDR. */
export const canonicalCIDR = (text: string): string | undefined => {
  const parsed = parseCIDRMasked(text)
  return isLeft(parsed) ? undefined : formatCIDR(parsed.right)
}

/** `10.0.0.5/26` -> `10.0.0.5`, of a text that has been validated. */
export const addressOf = (cidr: string): string => {
  const [address = ''] = cidr.split('/')
  return formatIPAddress(trustedIPAddress(address))
}

export const prefixOf = (cidr: string): number => Number(cidr.split('/')[1])

/** `10.0.0.5` -> `10.0.0.5/32`. */
export const asHostCIDR = (address: string): string => `${address}/${bitsOf(familyOf(address))}`

export const isHostCIDR = (cidr: string): boolean => prefixOf(cidr) === bitsOf(familyOf(cidr))

/** Whether an address lies in a CIDR; both validated, of either family. */
export const contains = (cidr: string, address: string): boolean =>
  containsAddress(trustedCIDR(cidr), trustedIPAddress(address))

/** The address `offset` places after the first of a validated CIDR. */
export const addressAt = (cidr: string, offset: number): string =>
  formatIPAddress(addressAtOrdinal(trustedCIDR(cidr), offset))
