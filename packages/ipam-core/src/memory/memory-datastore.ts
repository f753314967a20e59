/**
 * The reference implementation of the port: a map. Obviously correct before fast, so that the
 * other adapters and the tests have something to be compared with. It keeps and hands out copies,
 * so no caller can change what is stored.
 */
import { left, right } from 'fp-ts/lib/Either.js'
import type { Cancellation } from '../ports/cancellation.ts'
import type {
  CommitFailure,
  Datastore,
  Key,
  KeyValue,
  Kind,
  List,
  Query,
  Revision,
  WatchEvent,
  Write,
} from '../ports/datastore.ts'
import {
  type DatastoreErrorTag,
  DatastoreFailure,
  datastoreError,
} from '../ports/datastore-errors.ts'
import { keyText } from '../ports/key-text.ts'
import { copyValue } from './copy-value.ts'
import { matchesFilter } from './matches-filter.ts'
import { streamChanges } from './stream-changes.ts'

export interface MemoryDatastoreOptions {
  /** Default true. False: writes are applied one by one and stop at the first failure. */
  readonly atomicCommit?: boolean
  /** Default true. False: `watch` fails with Unsupported. */
  readonly watch?: boolean
}

type Objects = Map<string, KeyValue>

/** Why a write cannot be applied to these objects, or undefined when it can. */
const objection = (objects: Objects, write: Write): DatastoreErrorTag | undefined => {
  const found = objects.get(keyText(write.key))
  if (write.op === 'create') return found === undefined ? undefined : 'AlreadyExists'
  if (found === undefined) return 'NotFound'
  return found.revision === write.revision ? undefined : 'Conflict'
}

const describe: Readonly<Record<string, string>> = {
  AlreadyExists: 'it exists already',
  NotFound: 'it does not exist',
  Conflict: 'it was changed meanwhile',
}

const failureOf = (
  objects: Objects,
  write: Write,
  tag: DatastoreErrorTag,
  applied: ReadonlyArray<Revision | undefined>,
  keys: ReadonlyArray<Key>,
): CommitFailure => ({
  error: datastoreError(tag, `cannot ${write.op} ${keyText(write.key)}: ${describe[tag]}`, {
    key: write.key,
  }),
  applied,
  current: keys.map((key) => ({ key, found: copyValue(objects.get(keyText(key))) })),
})

/** One store; call `open` once per client. */
export class MemoryStore {
  #objects: Objects = new Map()
  #revision = 0
  readonly #listeners = new Set<() => void>()
  readonly #options: Required<MemoryDatastoreOptions>

  constructor(options: MemoryDatastoreOptions = {}) {
    this.#options = { atomicCommit: true, watch: true, ...options }
  }

  open(): Datastore {
    const unsupported = datastoreError('Unsupported', 'this datastore cannot watch')
    const options = this.#options
    return {
      capabilities: {
        ...(options.atomicCommit && { atomicCommit: true }),
        ...(options.watch && { watch: true }),
      },
      read: (queries, call) => async () =>
        call?.cancellation?.aborted
          ? left(datastoreError('Unavailable', 'the read was cancelled'))
          : right(queries.map((query) => this.#answer(query)) as never),
      commit: (writes, call) => async () => {
        if (!call?.cancellation?.aborted) return this.#commit(writes)
        const error = datastoreError('Unavailable', 'the commit was cancelled before it was sent')
        return left({ error, applied: [], current: [] })
      },
      watch: (kind, cancellation) => {
        if (!options.watch) throw new DatastoreFailure(unsupported)
        return this.#watch(kind, cancellation)
      },
      close: async () => {},
    }
  }

  #answer(query: Query): KeyValue | undefined | ReadonlyArray<KeyValue> {
    return 'get' in query
      ? copyValue(this.#objects.get(keyText(query.get)))
      : this.#list(query).map(copyValue)
  }

  #list(query: List): ReadonlyArray<KeyValue> {
    return [...this.#objects.entries()]
      .filter(([, one]) => matchesFilter(one.key, query))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, one]) => one)
  }

  #commit(writes: ReadonlyArray<Write>) {
    const objects = this.#options.atomicCommit ? new Map(this.#objects) : this.#objects
    const revisions: Array<Revision | undefined> = []
    for (const write of writes) {
      const tag = objection(objects, write)
      if (tag !== undefined) {
        const { atomicCommit } = this.#options
        const keys = atomicCommit ? writes.map((one): Key => one.key) : [write.key]
        const applied = atomicCommit ? [] : revisions
        this.#notify()
        return left(failureOf(this.#objects, write, tag, applied, keys))
      }
      revisions.push(this.#apply(objects, write))
    }
    this.#objects = objects
    this.#notify()
    return right({ revisions })
  }

  #apply(objects: Objects, write: Write): Revision | undefined {
    this.#revision += 1
    if (write.op === 'delete') {
      objects.delete(keyText(write.key))
      return undefined
    }
    const revision = `${this.#revision}` as Revision
    const { key, value } = write
    objects.set(keyText(key), copyValue({ key, value, revision } as KeyValue))
    return revision
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  #watch<K extends Kind>(kind: K, cancellation: Cancellation): AsyncIterable<WatchEvent<K>> {
    const current = () => this.#list({ list: kind } as List).map(copyValue) as KeyValue<K>[]
    return streamChanges(current, this.#listeners, cancellation)
  }
}

/** A fresh store with one client. For several clients on one store: `new MemoryStore().open()`. */
export const createMemoryDatastore = (options: MemoryDatastoreOptions = {}): Datastore =>
  new MemoryStore(options).open()
