import type { UnknownFields } from './unknown-fields.ts'

/** A Calico Profile: created once per network when no policy type is set (reference 5.5). */
export interface Profile {
  readonly name: string
  readonly labelsToApply: Readonly<Record<string, string>>
  /** Selector that ingress is allowed from; absent allows all. */
  readonly ingressFrom?: string
  readonly unknownFields?: UnknownFields
}
