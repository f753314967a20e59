/**
 * Ordinals: the place of an address inside its block, from 0. Blocks hold at most 4096 addresses,
 * so an ordinal is a plain number while addresses are bigints.
 */
import { bitsOf, formatIPAddress, type IPAddress } from './address.ts'
import { type CIDR, containsAddress } from './cidr.ts'

/** Number of addresses of a block. */
export const blockAddresses = (block: CIDR): number =>
  2 ** (bitsOf(block.family) - block.prefixLength)

/** The ordinal of an address, or undefined when it is not in the block. */
export const ordinalOf = (block: CIDR, address: IPAddress): number | undefined =>
  containsAddress(block, address) ? Number(address.value - block.base) : undefined

export const addressAt = (block: CIDR, ordinal: number): IPAddress => ({
  family: block.family,
  value: block.base + BigInt(ordinal),
})

/** Address text with the block's prefix length, as Calico reports assigned addresses. */
export const addressInBlock = (block: CIDR, ordinal: number): string =>
  `${formatIPAddress(addressAt(block, ordinal))}/${block.prefixLength}`
