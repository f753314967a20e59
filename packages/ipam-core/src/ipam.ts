/**
 * The Promise API: every operation of Calico's IPAM, with Calico's names and meaning. Source:
 * docs/design and reference section 3 of Calico's behaviour. Addresses and CIDRs are text in
 * canonical form. Every method rejects with IPAMFailure; `failure.tag` closes a `switch`.
 */

import type { AffinityType } from './model/block-affinity.ts'
import type { FixedHolder } from './model/fixed-allocation.ts'
import type { IPPoolUse } from './model/ip-pool.ts'
import type { IPAMConfig } from './model/ipam-config.ts'

/** Addresses at the start and end of every new block that are kept for the host (Windows). */
export interface HostReservedAttr {
  readonly startOfBlock: number
  readonly endOfBlock: number
  readonly handle: string
  readonly note: string
}

export interface AutoAssignRequest {
  /** Addresses wanted per family; 0 (the default) asks for none. */
  readonly num4?: number
  readonly num6?: number
  /** Owner of the addresses. Without one, a lost reply cannot be told from a lost request. */
  readonly handleID?: string
  /** Stored with the allocation: `node`, `pod`, `namespace`, `timestamp`, ... */
  readonly attrs?: Readonly<Record<string, string>>
  /** Calico node name. */
  readonly host: string
  /** CIDRs of the pools to use, in this order, whatever their selectors say; empty: all that select. */
  readonly ipv4Pools?: ReadonlyArray<string>
  readonly ipv6Pools?: ReadonlyArray<string>
  /** Affine blocks per family; 0 or absent: configuration, else 20. */
  readonly maxBlocksPerHost?: number
  readonly hostReservedAttrIPv4s?: HostReservedAttr
  readonly hostReservedAttrIPv6s?: HostReservedAttr
  readonly intendedUse: IPPoolUse
  /**
   * Addresses the handle may hold per family. When it holds that many already, they are the
   * answer (as /32, /128) and nothing is written: a replayed ADD gets its address back.
   */
  readonly maxAllocToHandlePerIPVersion?: number
  /** Labels of the Kubernetes namespace, for pools with a namespace selector. */
  readonly namespaceLabels?: Readonly<Record<string, string>>
}

/** What one family got. Fewer than requested is not an error: `messages` say why. */
export interface Assigned {
  /** Address with the prefix length of its block, e.g. `10.0.0.2/26`; /32, /128 for found ones. */
  readonly ips: ReadonlyArray<string>
  readonly numRequested: number
  readonly messages: ReadonlyArray<string>
  readonly hostReservedAttr?: HostReservedAttr
}

/** Absent family: not requested. */
export interface AutoAssignResult {
  readonly v4?: Assigned
  readonly v6?: Assigned
}

export interface AssignIPRequest {
  readonly ip: string
  readonly handleID?: string
  readonly attrs?: Readonly<Record<string, string>>
  readonly host: string
  readonly hostReservedAttr?: HostReservedAttr
  readonly intendedUse?: IPPoolUse
  readonly maxAllocToHandlePerIPVersion?: number
}

export interface ReleaseOptions {
  readonly address: string
  /** Released only if the allocation belongs to this handle. */
  readonly handle?: string
  /** Released only if the ordinal was allocated at this sequence number. */
  readonly sequenceNumber?: bigint
  /** Where known, the CIDR of the address's block (a CNI prevResult route says it): saves a read. */
  readonly blockHint?: string
}

export interface ReleaseResult {
  /** Addresses that were free already. */
  readonly unallocated: ReadonlyArray<string>
  /** Addresses handled without error, free ones included. */
  readonly released: ReadonlyArray<string>
}

export interface AssignmentAttributes {
  readonly handleID?: string
  readonly attrs: Readonly<Record<string, string>>
  readonly alternateOwnerAttrs?: Readonly<Record<string, string>>
}

/** Who owns a block: a host, or a virtual owner such as `load-balancer`. */
export interface AffinityOwner {
  readonly type: AffinityType
  readonly host: string
}

export interface ClaimAffinityResult {
  readonly claimed: ReadonlyArray<string>
  /** Blocks of the CIDR that somebody else owns. */
  readonly failed: ReadonlyArray<string>
}

export interface EnsureBlockRequest {
  readonly host: string
  readonly ipv4Pools?: ReadonlyArray<string>
  readonly ipv6Pools?: ReadonlyArray<string>
  readonly hostReservedAttrIPv4s?: HostReservedAttr
  readonly hostReservedAttrIPv6s?: HostReservedAttr
}

export interface EnsureBlockResult {
  readonly v4?: string
  readonly v6?: string
}

export interface BlockUtilization {
  readonly cidr: string
  readonly capacity: number
  readonly inUse: number
  readonly reserved: number
  readonly available: number
}

export interface PoolUtilization {
  readonly name: string
  readonly cidr: string
  /** Saturate at Number.MAX_SAFE_INTEGER. Absent totals: the entry for orphaned blocks. */
  readonly capacity?: number
  readonly inUse?: number
  readonly reserved?: number
  readonly available?: number
  readonly blocks: ReadonlyArray<BlockUtilization>
}

/** One side of an owner update: the pod it must name, or that it must be empty. */
export type OwnerPrecondition =
  | { readonly tag: 'Owner'; readonly namespace: string; readonly name: string }
  | { readonly tag: 'Empty' }

export interface SetOwnerAttributesRequest {
  readonly ip: string
  readonly handleID: string
  readonly active?: { readonly set: Readonly<Record<string, string>> } | { readonly clear: true }
  readonly alternate?: { readonly set: Readonly<Record<string, string>> } | { readonly clear: true }
  readonly expectedActive?: OwnerPrecondition
  readonly expectedAlternate?: OwnerPrecondition
}

export interface TakeOverFixedRequest {
  readonly handleID: string
  /** Words for people; stands in the attributes. */
  readonly identity: string
  readonly holder: FixedHolder
  /** Asked again after something else: only if all of it is the asker's, at this epoch or before (OwnerMismatch). */
  readonly epoch?: number
}

export interface ParkFixedRequest {
  readonly handleID: string
  /** Only what this holder holds is parked. */
  readonly holderID: string
}

export interface FreezeFixedRequest {
  /** The container's own handle; it becomes the holder's id. */
  readonly fromHandleID: string
  /** The identity's handle. */
  readonly handleID: string
  /** Words for people; stands in the attributes. */
  readonly identity: string
}

export interface ReleaseFixedRequest {
  readonly handleID: string
  /** The epoch at which the addresses were seen. */
  readonly epoch: number
  /** Who was seen to hold them; absent: they were parked. */
  readonly holderID?: string
  /** Only these, with or without a prefix length; absent: all of the identity. */
  readonly ips?: ReadonlyArray<string>
}

export interface RepinFixedRequest {
  readonly handleID: string
  /** The epoch of the asker's hold. */
  readonly epoch: number
  /** The asker; absent: the addresses are parked. */
  readonly holderID?: string
  /** The new address. */
  readonly ip: string
  /** Node that claims the new address's block where nobody has yet. */
  readonly host: string
}

export interface RecountHandleRequest {
  readonly handleID: string
  /** Of the stored handle, when it was seen to count too much. */
  readonly revision: string
}

export interface ReleaseBlockAffinityOptions {
  readonly mustBeEmpty: boolean
  /** Only where the owner that the block names has no affinity for it: a claim that died left it so. */
  readonly mustBeStale?: boolean
}

export interface FixedHold {
  /** Addresses with the prefix length of their block, IPv4 first. */
  readonly ips: ReadonlyArray<string>
  readonly epoch: number
}

export interface IPAM {
  /** IPv4 first, then IPv6, each from the host's own blocks, then new blocks, then borrowed ones. */
  autoAssign(request: AutoAssignRequest): Promise<AutoAssignResult>
  /** A particular address. Ignores reservations, selectors, limits and assignment mode. */
  assignIP(request: AssignIPRequest): Promise<void>
  /** Releases addresses; one block's failure does not stop the others (first error rejects last). */
  releaseIPs(options: ReadonlyArray<ReleaseOptions>): Promise<ReleaseResult>
  /** Everything a handle holds. Rejects with HandleMissing when there is no such handle. */
  releaseByHandle(
    handleID: string,
    hints?: { readonly blocks?: ReadonlyArray<string> },
  ): Promise<ReleaseResult>
  /**
   * Makes a handle count what its blocks hold, if it has not been written since it was seen with this
   * revision. For garbage collection, which has waited meanwhile. Answers whether anything was wrong.
   */
  recountHandle(request: RecountHandleRequest): Promise<boolean>
  ipsByHandle(handleID: string): Promise<ReadonlyArray<string>>
  getAssignmentAttributes(ip: string): Promise<AssignmentAttributes>
  ensureBlock(request: EnsureBlockRequest): Promise<EnsureBlockResult>
  /** Every block of the CIDR. Claiming one's own block counts as claimed. */
  claimAffinity(cidr: string, owner: AffinityOwner): Promise<ClaimAffinityResult>
  releaseAffinity(
    cidr: string,
    host: string,
    options: { readonly mustBeEmpty: boolean },
  ): Promise<void>
  releaseHostAffinities(
    owner: AffinityOwner,
    options: { readonly mustBeEmpty: boolean },
  ): Promise<void>
  /** All affinities inside the pool's CIDR, on every host. */
  releasePoolAffinities(poolCIDR: string): Promise<void>
  /** The affinity of one block, whoever owns it. No affinity is success. */
  releaseBlockAffinity(blockCIDR: string, options: ReleaseBlockAffinityOptions): Promise<void>
  /** The host is gone: its affinities go, its addresses stay until released. */
  removeIPAMHost(host: string): Promise<void>
  /** By pool name or CIDR; none: all pools and a last entry for blocks in no pool. */
  getUtilization(pools?: ReadonlyArray<string>): Promise<ReadonlyArray<PoolUtilization>>
  getIPAMConfig(): Promise<IPAMConfig>
  setIPAMConfig(config: IPAMConfig): Promise<void>
  /** Frees addresses whose cooldown has passed in blocks nobody else writes. Returns the addresses. */
  garbageCollectColdIPs(): Promise<ReadonlyArray<string>>
  setOwnerAttributes(request: SetOwnerAttributesRequest): Promise<void>
  /**
   * Makes a new incarnation of an identity the holder of the identity's addresses, whoever held them;
   * undefined when it has none yet (then assign some under the same handle). Repeated for the same
   * holder it changes nothing but the version of the blocks, so that no release sent before can come. Two round trips and a write, no list.
   */
  takeOverFixed(request: TakeOverFixedRequest): Promise<FixedHold | undefined>
  /**
   * The holder gives up: the addresses stay allocated to the identity, and name no node. A holder that
   * has been replaced parks nothing. Answers the addresses that are parked now.
   */
  parkFixed(request: ParkFixedRequest): Promise<ReadonlyArray<string>>
  /**
   * Makes what a running container holds the identity's, in place: the addresses stay, and the
   * container is their holder. Undefined when it holds nothing (any more). Repeated it changes nothing.
   * HandleLimit: the identity has another address of the family already.
   */
  freezeFixed(request: FreezeFixedRequest): Promise<FixedHold | undefined>
  /**
   * Exchanges the identity's address of a family for a particular one: takes the new one first, gives
   * the old one back last. Answers what was given back. Repeated after an interruption it completes it.
   * Refused as `assignIP`, and the identity keeps what it has; OwnerMismatch: the asker was replaced.
   */
  repinFixed(request: RepinFixedRequest): Promise<ReadonlyArray<string>>
  /**
   * Gives fixed addresses back if all of them are still as they were seen; none otherwise, which is
   * no error. Answers what was given back. Who keeps a record of them takes its entries out first.
   */
  releaseFixed(request: ReleaseFixedRequest): Promise<ReadonlyArray<string>>
  /** Gives affinities of older Calico versions the labels that newer ones list by. */
  upgradeHost(host: string): Promise<void>
}
