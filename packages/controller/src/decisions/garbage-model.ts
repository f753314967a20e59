/** What garbage collection looks at and what it may ask for. */

/** One allocated ordinal of a block. */
export interface SeenAllocation {
  readonly ip: string
  readonly handleID?: string
  /** The ordinal's sequence number: a later allocation of the address has another. */
  readonly sequenceNumber: bigint
  /** Attributes of the active owner, as stored. */
  readonly attributes: Readonly<Record<string, string>>
  /** There for an address that belongs to an identity; `holder` while a pod has it. */
  readonly fixed?: {
    readonly identity: string
    readonly holder?: { readonly id: string; readonly node: string }
  }
}

export interface SeenPod {
  /** By the name that allocations carry; empty until it is scheduled. */
  readonly node: string
  /** Of its status and of Calico's pod IP annotations; empty while it starts. */
  readonly ips: ReadonlyArray<string>
  readonly isEvicted: boolean
}

export interface SeenHandle {
  readonly revision: string
  /** Addresses that it says it owns. */
  readonly count: number
}

/** A block that names an owner. */
export interface OwnedBlock {
  readonly cidr: string
  /** `host:{node}` or `virtual:{name}`. */
  readonly affinity: string
}

export interface GarbageSituation {
  readonly allocations: ReadonlyArray<SeenAllocation>
  /** By `namespace/name`. */
  readonly pods: Pick<ReadonlyMap<string, SeenPod>, 'get'>
  /** By the names that allocations carry. */
  readonly nodes: ReadonlySet<string>
  /** The pod of an identity; `unknown` where nobody here can tell. */
  readonly podOfIdentity: (identity: string) => SeenPod | 'unknown' | undefined
  /** Hosts that own blocks. */
  readonly blockOwners: ReadonlySet<string>
  readonly ownedBlocks: ReadonlyArray<OwnedBlock>
  /** Whether the owner of a block has an affinity for it. */
  readonly hasAffinity: (block: OwnedBlock) => boolean
  /** Every stored handle. */
  readonly handles: Iterable<readonly [id: string, handle: SeenHandle]>
  /** When each suspicion was first raised, in ms; from the run before. */
  readonly suspected: ReadonlyMap<string, number>
  readonly nowMs: number
  readonly graceMs: number
}

/** A handle, and the revision at which it was seen. */
export interface HandleAt {
  readonly handleID: string
  readonly revision: string
}

/** Who held fixed addresses, and which. */
export interface GoneHolder {
  readonly handleID: string
  readonly holderID: string
  readonly identity: string
  readonly allocations: ReadonlyArray<SeenAllocation>
}

export interface GarbagePlan {
  /** For the next run: what is not suspected any more has been forgotten. */
  readonly suspected: ReadonlyMap<string, number>
  /** Allocations that look leaked, whether that is old enough or not. */
  readonly candidates: ReadonlyArray<SeenAllocation>
  /** Whole handles only. The caller validates each once more against the API before it frees it. */
  readonly release: ReadonlyArray<{
    readonly handleID: string
    readonly allocations: ReadonlyArray<SeenAllocation>
  }>
  /** Fixed addresses whose holder is gone: parked, never freed. */
  readonly park: ReadonlyArray<GoneHolder>
  /** Nodes that are gone and own nothing: their affinities may go, where the blocks are empty. */
  readonly cleanNodes: ReadonlyArray<string>
  /** Blocks whose owner has no affinity for them, and so never announces them. */
  readonly disown: ReadonlyArray<OwnedBlock>
  /** Handles that own nothing, at the revision at which that was seen. */
  readonly deleteHandles: ReadonlyArray<HandleAt>
  /** Handles that own less than they say. */
  readonly recount: ReadonlyArray<HandleAt>
}
