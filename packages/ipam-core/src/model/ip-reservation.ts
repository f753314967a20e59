import type { UnknownFields } from './unknown-fields.ts'

/** Addresses that automatic assignment must never give out (reference 3.14). */
export interface IPReservation {
  readonly name: string
  /** CIDRs or single addresses as the user wrote them. */
  readonly reservedCIDRs: ReadonlyArray<string>
  readonly unknownFields?: UnknownFields
}
