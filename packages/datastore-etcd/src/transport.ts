/**
 * What the adapter needs of an etcd client: one kind of transaction, and a stream of changes. Two
 * implementations: client.ts (the etcd3 package, for long-lived processes) and lean-transport.ts
 * (gRPC over node:http2 with the few messages used here, for processes that live some 20 ms).
 */
import type { Cancellation } from '@hc-calico/ipam-core/ports'

/** One key, or with `end` every key from `key` up to but not including it. */
export interface KeyRange {
  readonly key: string
  readonly end?: string
}

export interface StoredPair {
  readonly key: string
  readonly value: string
  readonly modRevision: bigint
}

export type Operation =
  | { readonly tag: 'Range'; readonly range: KeyRange; readonly revision?: bigint }
  | { readonly tag: 'Put'; readonly key: string; readonly value: string }
  | { readonly tag: 'Delete'; readonly key: string }

/** The key's mod revision must be this; 0: the key must not exist. */
export interface Comparison {
  readonly key: string
  readonly modRevision: bigint
}

export interface Transaction {
  readonly compare: ReadonlyArray<Comparison>
  readonly success: ReadonlyArray<Operation>
  readonly failure: ReadonlyArray<Operation>
}

export interface TransactionResult {
  readonly succeeded: boolean
  /** Of the store when the transaction was applied. */
  readonly revision: bigint
  /** Per operation of the branch taken: what a range found; empty for the others. */
  readonly found: ReadonlyArray<ReadonlyArray<StoredPair>>
}

export type Change =
  | { readonly tag: 'Put'; readonly pair: StoredPair }
  | { readonly tag: 'Deleted'; readonly key: string }

export interface ChangeBatch {
  /** Everything up to this revision has been reported. */
  readonly revision: bigint
  readonly changes: ReadonlyArray<Change>
}

export interface TransportCall {
  readonly cancellation?: Cancellation
  /** It writes nothing, so it may be sent again, to another member, when no answer came. */
  readonly isReadOnly: boolean
}

export interface EtcdTransport {
  /** Rejects with TransportError. */
  transact(transaction: Transaction, call: TransportCall): Promise<TransactionResult>
  /**
   * Changes from `fromRevision` on. Rejects with TransportError when the stream breaks (status 11:
   * the revision has been compacted away); ends when cancelled.
   */
  changes(
    range: KeyRange,
    fromRevision: bigint,
    cancellation: Cancellation,
  ): AsyncIterable<ChangeBatch>
  close(): Promise<void>
}

/** gRPC status codes that are told apart. Source: grpc.io/docs/guides/status-codes. */
export const grpcStatus = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const

/**
 * Whether a failed call was carried out: `No`: certainly not; `Maybe`: it had been sent, and no
 * answer that tells came back.
 */
export type Applied = 'No' | 'Maybe'

export class TransportError extends Error {
  readonly status: number
  readonly applied: Applied
  constructor(status: number, message: string, applied: Applied, cause?: unknown) {
    super(message, { cause })
    this.name = 'TransportError'
    this.status = status
    this.applied = applied
  }
}
