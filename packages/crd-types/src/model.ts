/**
 * The plain types every reader of this package answers: one per stored kind, the same whichever
 * form (Calico's etcd JSON, crd.projectcalico.org/v1, projectcalico.org/v3) it was read from.
 * They are structurally those of @hc-calico/ipam-core, so that adapters need no conversion; a test
 * holds the agreement. Neither package imports the other.
 */

/**
 * What this version does not know of a document it read; written back unchanged. For the flat etcd
 * documents the unknown fields themselves; for resources `{ metadata?, spec?, status?, ... }`.
 */
export type UnknownFields = Readonly<Record<string, unknown>>

export type StringMap = Readonly<Record<string, string>>

/** Metadata shared by all addresses of one allocation call. */
export interface AllocationAttribute {
  readonly handleID?: string
  /** Attributes of the active owner: `node`, `pod`, `namespace`, `timestamp`, ... */
  readonly secondary?: StringMap
  /** Second owner during a VM live migration. */
  readonly alternateOwnerAttrs?: StringMap
  /** RFC 3339: set while a released address is cooling down. */
  readonly releasedAt?: string
  readonly unknownFields?: UnknownFields
}

/** An IPAM block. */
export interface Block {
  /** Canonical CIDR text. */
  readonly cidr: string
  /** `host:{node}` or `virtual:{name}`; absent when no one owns the block. */
  readonly affinity?: string
  /** RFC 3339. */
  readonly affinityClaimTime?: string
  /** Per ordinal, index into `attributes`, or null when free. */
  readonly allocations: ReadonlyArray<number | null>
  /** FIFO of free ordinals. */
  readonly unallocated: ReadonlyArray<number>
  readonly attributes: ReadonlyArray<AllocationAttribute>
  /** 64-bit. */
  readonly sequenceNumber: bigint
  /** Ordinal -> sequence number of the block when the ordinal was last allocated or released. */
  readonly sequenceNumberForAllocation: Readonly<Record<string, bigint>>
  readonly unknownFields?: UnknownFields
}

export type AffinityType = 'host' | 'virtual'

/** The empty string is legacy data. */
export type AffinityState = 'pending' | 'confirmed' | 'pendingDeletion' | ''

/** The statement that a host (or a virtual owner) owns a block. */
export interface BlockAffinity {
  readonly type: AffinityType
  readonly host: string
  /** Canonical CIDR text. */
  readonly cidr: string
  readonly state: AffinityState
  readonly unknownFields?: UnknownFields
}

/** All addresses of one owner, counted per block. */
export interface Handle {
  readonly id: string
  /** Canonical block CIDR -> number of addresses. */
  readonly blocks: Readonly<Record<string, number>>
  readonly unknownFields?: UnknownFields
}

/** Cluster-wide IPAM settings. */
export interface IPAMConfig {
  readonly strictAffinity: boolean
  readonly autoAllocateBlocks: boolean
  /** Per host and family; 0 means unset. */
  readonly maxBlocksPerHost: number
  readonly kubeVirtVMAddressPersistence?: 'Enabled' | 'Disabled'
  /** 0..1200. */
  readonly ipCooldownSeconds: number
  readonly unknownFields?: UnknownFields
}

/** A use this version does not know is kept and simply never matches, as in Calico. */
export type IPPoolUse = 'Workload' | 'Tunnel' | 'LoadBalancer'

export type EncapsulationMode = 'Never' | 'Always' | 'CrossSubnet'

/** An IPPool with its defaults filled in. */
export interface IPPool {
  readonly name: string
  /** Canonical CIDR text, host bits zero. */
  readonly cidr: string
  readonly blockSize: number
  readonly disabled: boolean
  /** The pool has a deletion timestamp. */
  readonly terminating: boolean
  /** False when status condition `Allocatable` is `False`. */
  readonly allocatable: boolean
  readonly nodeSelector: string
  readonly namespaceSelector?: string
  readonly allowedUses: ReadonlyArray<IPPoolUse>
  readonly assignmentMode: 'Automatic' | 'Manual'
  readonly ipipMode: EncapsulationMode
  readonly vxlanMode: EncapsulationMode
  readonly natOutgoing: boolean
  readonly disableBGPExport: boolean
  readonly unknownFields?: UnknownFields
}

/** Addresses that automatic assignment must never give out. */
export interface IPReservation {
  readonly name: string
  /** CIDRs or single addresses as the user wrote them. */
  readonly reservedCIDRs: ReadonlyArray<string>
  readonly unknownFields?: UnknownFields
}

/** The slice of a Calico node that address management reads. */
export interface CalicoNode {
  readonly name: string
  readonly labels: StringMap
  readonly unknownFields?: UnknownFields
}

/** Calico's ClusterInformation `default`. */
export interface ClusterInformation {
  readonly datastoreReady?: boolean
  readonly clusterGUID?: string
  readonly calicoVersion?: string
  readonly unknownFields?: UnknownFields
}

export interface WorkloadEndpointPort {
  readonly name: string
  readonly protocol: string
  readonly port: number
  readonly hostPort?: number
  readonly hostIP?: string
}

export interface IPNAT {
  readonly internalIP: string
  readonly externalIP: string
}

/** A pod's (or container's) attachment to the network, as Felix reads it. */
export interface WorkloadEndpoint {
  readonly namespace: string
  readonly name: string
  readonly labels: StringMap
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
  readonly ipNATs?: ReadonlyArray<IPNAT>
  readonly profiles: ReadonlyArray<string>
  readonly interfaceName?: string
  readonly mac?: string
  readonly ports?: ReadonlyArray<WorkloadEndpointPort>
  readonly allowSpoofedSourcePrefixes?: ReadonlyArray<string>
  /** UID of the Kubernetes pod this endpoint belongs to, where there is one. */
  readonly podUID?: string
  readonly unknownFields?: UnknownFields
}

/** The slice of a Calico Profile that the CNI plugin creates. */
export interface Profile {
  readonly name: string
  readonly labelsToApply: StringMap
  /** Selector that ingress is allowed from; absent allows all. */
  readonly ingressFrom?: string
  readonly unknownFields?: UnknownFields
}

/** Every stored kind with its plain type. */
export interface PlainTypes {
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

export type PlainKind = keyof PlainTypes
