/** Every kind of stored object, with its value, the fields of its key and its list filter. */
import type { Block } from '../model/block.ts'
import type { AffinityType, BlockAffinity } from '../model/block-affinity.ts'
import type { ClusterInformation } from '../model/cluster-information.ts'
import type { Handle } from '../model/handle.ts'
import type { IPPool } from '../model/ip-pool.ts'
import type { IPReservation } from '../model/ip-reservation.ts'
import type { IPAMConfig } from '../model/ipam-config.ts'
import type { CalicoNode } from '../model/node.ts'
import type { Profile } from '../model/profile.ts'
import type { WorkloadEndpoint } from '../model/workload-endpoint.ts'

export interface Values {
  readonly IPPool: IPPool
  readonly IPReservation: IPReservation
  readonly IPAMConfig: IPAMConfig
  readonly Block: Block
  readonly BlockAffinity: BlockAffinity
  readonly Handle: Handle
  readonly Node: CalicoNode
  readonly ClusterInformation: ClusterInformation
  readonly WorkloadEndpoint: WorkloadEndpoint
  readonly Profile: Profile
}

export type Kind = keyof Values

/** CIDRs are canonical text; hosts, handle ids and names are verbatim. Singletons have no fields. */
export interface KeyFields {
  IPPool: { readonly name: string }
  IPReservation: { readonly name: string }
  IPAMConfig: unknown
  Block: { readonly cidr: string }
  BlockAffinity: { readonly type: AffinityType; readonly host: string; readonly cidr: string }
  Handle: { readonly id: string }
  Node: { readonly name: string }
  ClusterInformation: unknown
  WorkloadEndpoint: { readonly namespace: string; readonly name: string }
  Profile: { readonly name: string }
}

/** What a list may be narrowed by; every field given must match. */
export interface Filters {
  IPPool: object
  IPReservation: object
  IPAMConfig: object
  Block: { readonly family?: 4 | 6 }
  BlockAffinity: {
    readonly type?: AffinityType
    readonly host?: string
    readonly family?: 4 | 6
  }
  Handle: object
  Node: object
  ClusterInformation: object
  WorkloadEndpoint: { readonly namespace?: string; readonly namePrefix?: string }
  Profile: object
}
