/** What an adapter author needs: the port, its kinds and its errors. */
export type { Call, Outcome } from './call.ts'
export type { Cancellation } from './cancellation.ts'
export type { Clock, Instant } from './clock.ts'
export type {
  Answer,
  Answers,
  CallOptions,
  Capabilities,
  CommitFailure,
  Committed,
  Datastore,
  Get,
  Key,
  KeyValue,
  List,
  Query,
  Revision,
  WatchEvent,
  Write,
} from './datastore.ts'
export {
  type DatastoreError,
  type DatastoreErrorTag,
  DatastoreFailure,
  datastoreError,
} from './datastore-errors.ts'
export { CommitStopped, fromPromises, type PromiseDatastore } from './from-promises.ts'
export { keyText, queryText } from './key-text.ts'
export type { Filters, KeyFields, Kind, Values } from './kinds.ts'
export { matchesFilter } from './matches-filter.ts'
export type { Observation, Observer } from './observer.ts'
export type { Random } from './random.ts'
export { conditionFailure, refusedWrite } from './write-condition.ts'
