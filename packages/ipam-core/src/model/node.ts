import type { UnknownFields } from './unknown-fields.ts'

/** The slice of a Calico node that address management reads. */
export interface CalicoNode {
  readonly name: string
  /** Labels that pool node selectors see. */
  readonly labels: Readonly<Record<string, string>>
  readonly unknownFields?: UnknownFields
}
