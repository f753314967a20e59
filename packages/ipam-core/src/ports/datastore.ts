/**
 * The one seam: what a datastore must provide. Every write is a compare-and-set on an opaque
 * revision; no unconditional write exists. Adapters: datastore-etcd, datastore-kdd,
 * datastore-local and the memory datastore. All pass testing/datastore-contract.
 */
import type { Call } from './call.ts'
import type { Cancellation } from './cancellation.ts'
import type { DatastoreError } from './datastore-errors.ts'
import type { Filters, KeyFields, Kind, Values } from './kinds.ts'

export type { Kind, Values } from './kinds.ts'

/** Opaque token of one version of one object. Only equality inside the adapter means anything. */
export type Revision = string & { readonly __brand: 'Revision' }

/** Names one object. */
export type Key<K extends Kind = Kind> = {
  [P in K]: { readonly kind: P } & Readonly<KeyFields[P]>
}[K]

export interface KeyValue<K extends Kind = Kind> {
  readonly key: Key<K>
  readonly value: Values[K]
  readonly revision: Revision
}

/** One get, or one list with a typed filter: Kubernetes has no prefixes, so there is no raw one. */
export type Get<K extends Kind = Kind> = { readonly get: Key<K> }
export type List<K extends Kind = Kind> = {
  [P in K]: { readonly list: P; readonly where?: Readonly<Filters[P]> }
}[K]
export type Query = Get | List

/** A get answers the object or undefined (absent is an answer, not an error); a list answers all. */
export type Answer<Q> = Q extends { readonly get: { readonly kind: infer K extends Kind } }
  ? KeyValue<K> | undefined
  : Q extends { readonly list: infer K extends Kind }
    ? ReadonlyArray<KeyValue<K>>
    : never
export type Answers<Qs extends ReadonlyArray<Query>> = { readonly [I in keyof Qs]: Answer<Qs[I]> }

/** A conditional write. `create`: must not exist. `update`, `delete`: must be at that revision. */
export type Write<K extends Kind = Kind> = {
  [P in K]:
    | { readonly op: 'create'; readonly key: Key<P>; readonly value: Values[P] }
    | {
        readonly op: 'update'
        readonly key: Key<P>
        readonly value: Values[P]
        readonly revision: Revision
      }
    | { readonly op: 'delete'; readonly key: Key<P>; readonly revision: Revision }
}[K]

/** Per write, in order: the new revision, or undefined for a delete. */
export interface Committed {
  readonly revisions: ReadonlyArray<Revision | undefined>
}

/** Why a commit stopped, and how far it came. */
export interface CommitFailure {
  readonly error: DatastoreError
  /** The leading writes that were applied, with their new revisions; empty where commits are atomic. */
  readonly applied: ReadonlyArray<Revision | undefined>
  /** Objects the adapter read while failing; `found` is undefined for one that does not exist. */
  readonly current: ReadonlyArray<{ readonly key: Key; readonly found: KeyValue | undefined }>
}

/** What a backend can do beyond the basics. Left out means the default. */
export interface Capabilities {
  /** All writes of one commit become visible together or not at all. Default false. */
  readonly atomicCommit?: boolean
  /** Changes can be streamed. Default false: `watch` then fails with Unsupported. */
  readonly watch?: boolean
}

export type WatchEvent<K extends Kind = Kind> =
  | { readonly tag: 'Put'; readonly keyValue: KeyValue<K> }
  | { readonly tag: 'Deleted'; readonly key: Key<K> }
  /** Everything that existed when the watch (re)started has been reported. */
  | { readonly tag: 'Synced' }

export interface CallOptions {
  /** Stops waiting: a read fails with Unavailable, a commit already sent with OutcomeUnknown. */
  readonly cancellation?: Cancellation
}

export interface Datastore {
  readonly capabilities: Capabilities

  /**
   * Answers several queries at once, in order. One round trip and one consistent snapshot where
   * the backend can do it; otherwise parallel requests. Lists are in ascending key order.
   */
  read<const Qs extends ReadonlyArray<Query>>(
    queries: Qs,
    options?: CallOptions,
  ): Call<DatastoreError, Answers<Qs>>

  /**
   * Applies the writes in order, each on its condition; keys are distinct within one commit.
   * Atomic where `capabilities.atomicCommit`; otherwise it stops at the first failure and reports
   * what was applied. A failed condition reports the current value, so the caller can decide again
   * without reading. OutcomeUnknown means: read before doing anything else.
   */
  commit(writes: ReadonlyArray<Write>, options?: CallOptions): Call<CommitFailure, Committed>

  /**
   * Streams one kind: first every existing object as Put, then Synced, then changes in order per
   * key. After a gap it resyncs by itself: changed objects come as Put, vanished ones as Deleted,
   * then Synced again. Ends when `cancellation` fires; throws DatastoreFailure when it cannot go on.
   */
  watch<K extends Kind>(kind: K, cancellation: Cancellation): AsyncIterable<WatchEvent<K>>

  /** Releases connections and files. */
  close(): Promise<void>
}
