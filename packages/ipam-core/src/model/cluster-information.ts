import type { UnknownFields } from './unknown-fields.ts'

/** Calico's ClusterInformation `default`: the readiness gate of the CNI plugins. */
export interface ClusterInformation {
  /** Absent when the object lacks it; ADD and DEL run only when true. */
  readonly datastoreReady?: boolean
  readonly clusterGUID?: string
  readonly calicoVersion?: string
  readonly unknownFields?: UnknownFields
}
