import type { UnknownFields } from './unknown-fields.ts'

/** Metadata shared by all addresses of one allocation call (reference 1.5). */
export interface AllocationAttribute {
  /** Owner of the allocation; absent for handle-less allocations and for cooling addresses. */
  readonly handleID?: string
  /** The active owner: `node`, `pod`, `namespace`, `timestamp`, ... */
  readonly secondary?: Readonly<Record<string, string>>
  /** Second owner during a VM live migration. */
  readonly alternateOwnerAttrs?: Readonly<Record<string, string>>
  /** RFC 3339, whole seconds, UTC: set while a released address is cooling down. */
  readonly releasedAt?: string
  readonly unknownFields?: UnknownFields
}

/**
 * An IPAM block: the unit of compare-and-set (reference 1.4). Immutable: decisions build the next
 * block, they never edit one. Invariants (1.4.2): every allocation indexes an attribute, every
 * attribute is referenced, `unallocated` and the allocated ordinals partition the block.
 */
export interface Block {
  /** Canonical CIDR text of the block. */
  readonly cidr: string
  /** `host:{node}` or `virtual:{name}`; absent when no one owns the block. */
  readonly affinity?: string
  /** RFC 3339: when the current affinity was claimed. */
  readonly affinityClaimTime?: string
  /** Per ordinal, index into `attributes`, or null when free. */
  readonly allocations: ReadonlyArray<number | null>
  /** FIFO of free ordinals: allocation takes from the front, release appends at the back. */
  readonly unallocated: ReadonlyArray<number>
  readonly attributes: ReadonlyArray<AllocationAttribute>
  /** 64-bit; +1 on every write of the block; starts at UNIX nanoseconds. */
  readonly sequenceNumber: bigint
  /** Ordinal -> the block's sequence number when the ordinal was last allocated or released. */
  readonly sequenceNumberForAllocation: Readonly<Record<string, bigint>>
  readonly unknownFields?: UnknownFields
}
