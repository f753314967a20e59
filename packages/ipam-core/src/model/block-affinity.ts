import type { UnknownFields } from './unknown-fields.ts'

export type AffinityType = 'host' | 'virtual'

/**
 * `pending` -> `confirmed` -> `pendingDeletion` (reference 3.6.9). The empty string is legacy data:
 * the block loader counts it as confirmed, the claim path rewrites it to pending.
 */
export type AffinityState = 'pending' | 'confirmed' | 'pendingDeletion' | ''

/** The statement that a host (or a virtual owner) owns a block. */
export interface BlockAffinity {
  readonly type: AffinityType
  readonly host: string
  readonly cidr: string
  readonly state: AffinityState
  readonly unknownFields?: UnknownFields
}
