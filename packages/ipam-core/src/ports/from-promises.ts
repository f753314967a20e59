/**
 * For authors of adapters who would rather write async functions that throw: a Datastore from plain
 * promises. Whatever else is thrown is taken for the worst it can mean: a read that did not happen,
 * a commit that may have.
 */
import type { Outcome } from './call.ts'
import type { Cancellation } from './cancellation.ts'
import type {
  CallOptions,
  Capabilities,
  CommitFailure,
  Committed,
  Datastore,
  Kind,
  Query,
  WatchEvent,
  Write,
} from './datastore.ts'
import { type DatastoreError, DatastoreFailure, datastoreError } from './datastore-errors.ts'

/** What `commit` throws: the error, what was applied, and what is there now. */
export class CommitStopped extends Error {
  readonly failure: CommitFailure
  constructor(failure: CommitFailure) {
    super(failure.error.message, { cause: failure.error.cause })
    this.name = 'CommitStopped'
    this.failure = failure
  }
}

/** The contract is that of `Datastore`; answers are returned, errors thrown. */
export interface PromiseDatastore {
  readonly capabilities: Capabilities
  /** Throws DatastoreFailure. */
  read(queries: ReadonlyArray<Query>, options?: CallOptions): Promise<ReadonlyArray<unknown>>
  /** Throws CommitStopped, or DatastoreFailure where nothing was applied and nothing is known. */
  commit(writes: ReadonlyArray<Write>, options?: CallOptions): Promise<Committed>
  /** Left out where `capabilities.watch` is not declared. */
  watch?<K extends Kind>(kind: K, cancellation: Cancellation): AsyncIterable<WatchEvent<K>>
  close?(): Promise<void>
}

const left = <E>(value: E): Outcome<E, never> => ({ _tag: 'Left', left: value })
const right = <A>(value: A): Outcome<never, A> => ({ _tag: 'Right', right: value })

const textOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)

const errorOf = (thrown: unknown, otherwise: 'Unavailable' | 'OutcomeUnknown'): DatastoreError =>
  thrown instanceof DatastoreFailure
    ? thrown.error
    : datastoreError(otherwise, textOf(thrown), { cause: thrown })

const failureOf = (thrown: unknown): CommitFailure =>
  thrown instanceof CommitStopped
    ? thrown.failure
    : { error: errorOf(thrown, 'OutcomeUnknown'), applied: [], current: [] }

const unsupported = (): AsyncIterable<never> => {
  const error = datastoreError('Unsupported', 'this datastore cannot be watched')
  return {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new DatastoreFailure(error)) }),
  }
}

export const fromPromises = (store: PromiseDatastore): Datastore => ({
  capabilities: store.capabilities,
  read: (queries, options) => async () => {
    try {
      return right((await store.read(queries, options)) as never)
    } catch (thrown) {
      return left(errorOf(thrown, 'Unavailable'))
    }
  },
  commit: (writes, options) => async () => {
    try {
      return right(await store.commit(writes, options))
    } catch (thrown) {
      return left(failureOf(thrown))
    }
  },
  watch: (kind, cancellation) => store.watch?.(kind, cancellation) ?? unsupported(),
  close: async () => store.close?.(),
})
