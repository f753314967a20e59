import type { Key, Kind, Values } from '@hc-calico/ipam-core/ports'

/** An object that must exist; created at open only when it is missing, never overwritten. */
export type EnsuredObject = {
  [K in Kind]: { readonly key: Key<K>; readonly value: Values[K] }
}[Kind]

export interface LocalDatastoreOptions {
  /** Absolute path of the SQLite file; it and its folder are made, readable by their owner only. */
  readonly file: string
  readonly ensure?: ReadonlyArray<EnsuredObject>
  /** How long a call waits for another process's transaction. Default 10 000. */
  readonly busyTimeoutMs?: number
  /** How often a watch looks for changes of other processes. Default 200. */
  readonly watchIntervalMs?: number
}

export const defaultBusyTimeoutMs = 10_000
export const defaultWatchIntervalMs = 200
