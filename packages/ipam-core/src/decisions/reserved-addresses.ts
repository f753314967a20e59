/**
 * What IP reservations keep from automatic assignment: the union of all of them. A reservation is
 * advice from people, so an entry that is not a CIDR or an address is ignored rather than allowed
 * to stop every pod of the cluster from starting.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import { bitsOf, parseIPAddress } from '../ip/address.ts'
import { type CIDR, maskedCIDR, parseCIDRMasked } from '../ip/cidr.ts'
import { type CIDRSet, cidrSet } from '../ip/cidr-set.ts'
import type { IPReservation } from '../model/ip-reservation.ts'

/** A CIDR, or a bare address as the CIDR of that one address; surrounding space is ignored. */
const reservedCIDR = (text: string): CIDR | undefined => {
  const trimmed = text.trim()
  if (trimmed.includes('/')) {
    const cidr = parseCIDRMasked(trimmed)
    return isLeft(cidr) ? undefined : cidr.right
  }
  const address = parseIPAddress(trimmed)
  return isLeft(address) ? undefined : maskedCIDR(address.right, bitsOf(address.right.family))
}

/** Every reserved address of both families. */
export const reservedAddresses = (reservations: ReadonlyArray<IPReservation>): CIDRSet =>
  cidrSet(
    reservations.flatMap(({ reservedCIDRs }) =>
      reservedCIDRs.flatMap((text) => reservedCIDR(text) ?? []),
    ),
  )
