import type { UnknownFields } from './unknown-fields.ts'

/** A named port of a workload. */
export interface WorkloadEndpointPort {
  readonly name: string
  readonly protocol: string
  readonly port: number
  readonly hostPort?: number
  readonly hostIP?: string
}

/** A pod's (or container's) attachment to the network, as Felix reads it (reference 1.9.5, 2.5). */
export interface WorkloadEndpoint {
  readonly namespace: string
  /** Reference 5.4.2, e.g. `n--1-k8s-web--0-eth0`. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly generateName?: string
  readonly orchestrator: string
  readonly workload?: string
  readonly node: string
  readonly containerID?: string
  readonly pod?: string
  readonly endpoint: string
  readonly serviceAccountName?: string
  /** CIDR text, /32 or /128. */
  readonly ipNetworks: ReadonlyArray<string>
  readonly ipNATs?: ReadonlyArray<{ readonly internalIP: string; readonly externalIP: string }>
  readonly profiles: ReadonlyArray<string>
  readonly interfaceName?: string
  readonly mac?: string
  readonly ports?: ReadonlyArray<WorkloadEndpointPort>
  readonly allowSpoofedSourcePrefixes?: ReadonlyArray<string>
  /** UID of the Kubernetes pod this endpoint belongs to, where there is one. */
  readonly podUID?: string
  readonly unknownFields?: UnknownFields
}
