/**
 * What is stored, and how it answers. Gets are always current. Lists are current where commits are
 * atomic; as Kubernetes they come from a cache that follows the truth with a lag. Values are frozen
 * and not copied: faster, and whoever changes what it has read fails at once.
 *
 * As Kubernetes, an object may also stand there marked as deleted, as upstream leaves it between its
 * two steps: readers do not see it, and its name is taken until somebody completes the deletion.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  conditionFailure,
  type DatastoreError,
  type Key,
  type KeyValue,
  type Kind,
  keyText,
  type List,
  type Query,
  type Revision,
  refusedWrite,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { KindTable } from './kind-table.ts'

export type Mode = 'etcd' | 'kubernetes' | 'local'
export const modes: ReadonlyArray<Mode> = ['etcd', 'kubernetes', 'local']

/** Who wrote: its node, since when it had been at work, and what it is called in the trace. */
export interface Writer {
  readonly node: string
  readonly what: string
  readonly startedMs: number
}

export interface Change {
  readonly key: Key
  readonly before: KeyValue | undefined
  readonly after: KeyValue | undefined
  readonly writer: Writer
  readonly atMs: number
}

type Listener = (changes: ReadonlyArray<Change>) => void

/** Changes that a watcher may still ask for; whoever is further behind is told 410. */
const changesKeptMax = 64

const frozen = <A>(value: A): A => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
  return value
}

export class SimulatedStore {
  readonly mode: Mode
  readonly isAtomic: boolean
  readonly #tables = new Map<Kind, KindTable>()
  readonly #caches = new Map<Kind, KindTable>()
  #notYetCached: Change[] = []
  readonly #marked = new Set<string>()
  readonly #listeners: Listener[] = []
  readonly #logs = new Map<Kind, { first: number; changes: Change[] }>()
  readonly #nowMs: () => number
  #revision = 0

  constructor(mode: Mode, nowMs: () => number) {
    this.mode = mode
    this.isAtomic = mode !== 'kubernetes'
    this.#nowMs = nowMs
  }

  /** Called after every commit, which on Kubernetes is every write: where the checkers look. */
  onChange(listener: Listener): void {
    this.#listeners.push(listener)
  }

  get<K extends Kind>(key: Key<K>): KeyValue<K> | undefined {
    const found = this.#tables.get(key.kind)?.get(keyText(key as Key))
    return found as unknown as KeyValue<K> | undefined
  }

  list<K extends Kind>(query: List<K>): ReadonlyArray<KeyValue<K>> {
    return listIn(this.#tables, query as unknown as List) as unknown as ReadonlyArray<KeyValue<K>>
  }

  /** A cached list lacks what was written less than `lagMs` ago. */
  answer(query: Query, lagMs: number): KeyValue | undefined | ReadonlyArray<KeyValue> {
    if ('get' in query) return this.get(query.get)
    if (this.isAtomic) return listIn(this.#tables, query)
    this.#catchUp(lagMs)
    return listIn(this.#caches, query)
  }

  failureOf(write: Write): DatastoreError | undefined {
    if (write.op === 'create' && this.isMarked(write.key)) {
      return refusedWrite(write, 'AlreadyExists')
    }
    return conditionFailure(this.get(write.key as Key), write)
  }

  /** All of them at once; their conditions hold. */
  apply(writes: ReadonlyArray<Write>, writer: Writer): ReadonlyArray<Revision | undefined> {
    const changes = writes.map((write) => this.#applyOne(write, writer))
    for (const listener of this.#listeners) listener(changes)
    return changes.map(({ after }) => after?.revision)
  }

  isMarked(key: Key): boolean {
    return this.#marked.size > 0 && this.#marked.has(keyText(key))
  }

  /** Upstream's first step. To every reader the object is gone. */
  mark(write: Write & { readonly op: 'delete' }, writer: Writer): void {
    this.apply([write], writer)
    this.#marked.add(keyText(write.key))
  }

  completeDeletion(key: Key): void {
    this.#marked.delete(keyText(key))
  }

  get marks(): ReadonlyArray<string> {
    return [...this.#marked]
  }

  /** Where a watch of this kind stands that has just listed it. */
  position(kind: Kind): number {
    const log = this.#logs.get(kind)
    return log === undefined ? 0 : log.first + log.changes.length
  }

  /** What happened since; undefined: that is too long ago to tell. */
  since(kind: Kind, position: number): ReadonlyArray<Change> | undefined {
    const log = this.#logs.get(kind)
    if (log === undefined) return []
    return position < log.first ? undefined : log.changes.slice(position - log.first)
  }

  #applyOne(write: Write, writer: Writer): Change {
    const text = keyText(write.key)
    const { kind } = write.key
    const table = tableIn(this.#tables, kind)
    const before = table.get(text)
    if (!this.isAtomic && before !== undefined && changesNothing(write, before)) {
      return { key: write.key, before, after: before, writer, atMs: this.#nowMs() }
    }
    this.#revision += 1
    const revision = `${this.#revision}` as Revision
    const after =
      write.op === 'delete'
        ? undefined
        : frozen({ key: write.key, value: write.value, revision } as KeyValue)
    table.put(text, after)
    const change: Change = { key: write.key, before, after, writer, atMs: this.#nowMs() }
    if (!this.isAtomic) this.#notYetCached.push(change)
    this.#remember(kind, change)
    return change
  }

  #remember(kind: Kind, change: Change): void {
    const log = this.#logs.get(kind) ?? { first: 0, changes: [] }
    log.changes.push(change)
    if (log.changes.length > 2 * changesKeptMax) {
      log.first += changesKeptMax
      log.changes.splice(0, changesKeptMax)
    }
    this.#logs.set(kind, log)
  }

  #catchUp(lagMs: number): void {
    const until = this.#nowMs() - lagMs
    const found = this.#notYetCached.findIndex(({ atMs }) => atMs > until)
    const count = found === -1 ? this.#notYetCached.length : found
    for (let i = 0; i < count; i += 1) {
      const { key, after } = this.#notYetCached[i] as Change
      tableIn(this.#caches, key.kind).put(keyText(key), after)
    }
    this.#notYetCached = this.#notYetCached.slice(count)
  }
}

/**
 * The API server stores nothing when nothing is different, and the version stays. Blocks always have
 * another sequence number; of the larger kinds nobody here depends on it.
 */
const changesNothing = (write: Write, { value }: KeyValue): boolean => {
  if (write.op !== 'update') return false
  const { kind } = write.key
  if (kind !== 'BlockAffinity' && kind !== 'Handle') return false
  return isDeepStrictEqual(write.value, value)
}

const tableIn = (tables: Map<Kind, KindTable>, kind: Kind): KindTable => {
  const found = tables.get(kind) ?? new KindTable()
  tables.set(kind, found)
  return found
}

const listIn = (tables: Map<Kind, KindTable>, query: List): ReadonlyArray<KeyValue> =>
  tableIn(tables, query.list).list(query)
