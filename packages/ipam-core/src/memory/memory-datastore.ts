/**
 * The reference implementation of the port: one map per kind. Obviously correct before fast, so
 * that the other adapters and the tests have something to be compared with. It keeps and hands out
 * copies, so no caller can change what is stored.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { Cancellation } from '../ports/cancellation.ts'
import type {
  CommitFailure,
  Committed,
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
import { DatastoreFailure, datastoreError } from '../ports/datastore-errors.ts'
import { keyText } from '../ports/key-text.ts'
import { matchesFilter } from '../ports/matches-filter.ts'
import { conditionFailure } from '../ports/write-condition.ts'
import { copyValue } from './copy-value.ts'
import { streamChanges } from './stream-changes.ts'

export interface MemoryDatastoreOptions {
  /** Default true. False: writes are applied one by one and stop at the first failure. */
  readonly atomicCommit?: boolean
  /** Default true. False: `watch` fails with Unsupported. */
  readonly watch?: boolean
}

type Objects = Map<string, KeyValue>

/** One store; call `open` once per client. */
export class MemoryStore {
  readonly #objects = new Map<Kind, Objects>()
  /** The same affinities once more by host: a request lists its own and must not walk all others. */
  readonly #affinities = new Map<string, Objects>()
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

  #kind(kind: Kind): Objects {
    return partOf(this.#objects, kind)
  }

  #find(key: Key): KeyValue | undefined {
    return this.#kind(key.kind).get(keyText(key))
  }

  #answer(query: Query): KeyValue | undefined | ReadonlyArray<KeyValue> {
    return 'get' in query ? copyValue(this.#find(query.get)) : this.#list(query).map(copyValue)
  }

  #list(query: List): ReadonlyArray<KeyValue> {
    const host = query.list === 'BlockAffinity' ? query.where?.host : undefined
    const objects = host === undefined ? this.#kind(query.list) : partOf(this.#affinities, host)
    return [...objects]
      .filter(([, one]) => matchesFilter(one.key, query))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, one]) => one)
  }

  #commit(writes: ReadonlyArray<Write>): Either<CommitFailure, Committed> {
    const { atomicCommit } = this.#options
    const revisions: Array<Revision | undefined> = []
    // Keys are distinct within a commit, so what holds for each write before holds for all.
    const refused = (write: Write) => conditionFailure(this.#find(write.key), write) !== undefined
    const isHopeless = atomicCommit && writes.some(refused)
    for (const write of writes) {
      const error = conditionFailure(this.#find(write.key), write)
      if (error !== undefined) {
        const keys = atomicCommit ? writes.map((one): Key => one.key) : [write.key]
        const current = keys.map((key) => ({ key, found: copyValue(this.#find(key)) }))
        this.#notify()
        return left({ error, applied: revisions, current })
      }
      if (!isHopeless) revisions.push(this.#apply(write))
    }
    this.#notify()
    return right({ revisions })
  }

  #apply(write: Write): Revision | undefined {
    this.#revision += 1
    const { key } = write
    const parts = [this.#kind(key.kind)]
    if (key.kind === 'BlockAffinity') parts.push(partOf(this.#affinities, key.host))
    if (write.op === 'delete') {
      for (const part of parts) part.delete(keyText(key))
      return undefined
    }
    const revision = `${this.#revision}` as Revision
    const stored = copyValue({ key, value: write.value, revision } as KeyValue)
    for (const part of parts) part.set(keyText(key), stored)
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

const partOf = <K>(parts: Map<K, Objects>, name: K): Objects => {
  const part = parts.get(name) ?? new Map<string, KeyValue>()
  parts.set(name, part)
  return part
}

/** A fresh store with one client. For several clients on one store: `new MemoryStore().open()`. */
export const createMemoryDatastore = (options: MemoryDatastoreOptions = {}): Datastore =>
  new MemoryStore(options).open()
