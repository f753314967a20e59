import type { UnknownFields } from './unknown-fields.ts'

/** All addresses of one owner, counted per block (reference 1.7). */
export interface Handle {
  readonly id: string
  /** Canonical block CIDR -> number of addresses the handle holds there. Exact when we write it. */
  readonly blocks: Readonly<Record<string, number>>
  readonly unknownFields?: UnknownFields
}
