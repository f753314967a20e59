/**
 * What is stored, and how it answers. Gets are always current. Lists are current where commits are
 * atomic; as Kubernetes they come from a cache that follows the truth with a lag. Values are frozen
 * and not copied: faster, and whoever changes what it has read fails at once.
 */
import {
  conditionFailure,
  type DatastoreError,
  type Key,
  type KeyValue,
  keyText,
  type List,
  matchesFilter,
  type Query,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'

export type Mode = 'etcd' | 'kubernetes' | 'local'

export interface Change {
  readonly key: Key
  readonly before: KeyValue | undefined
  readonly after: KeyValue | undefined
}

const frozen = <A>(value: A): A => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) frozen(part)
  return value
}

export class SimulatedStore {
  readonly mode: Mode
  readonly #objects = new Map<string, KeyValue>()
  readonly #cache = new Map<string, KeyValue>()
  readonly #notYetCached: Change[] = []
  readonly #listeners: Array<(change: Change) => void> = []
  #revision = 0

  constructor(mode: Mode) {
    this.mode = mode
  }

  get isAtomic(): boolean {
    return this.mode !== 'kubernetes'
  }

  /** Called after every single write, which is where the checkers look. */
  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener)
  }

  get(key: Key): KeyValue | undefined {
    return this.#objects.get(keyText(key))
  }

  /** `lag`: how many of the latest changes a cached list does not know of yet. */
  answer(query: Query, lag = 0): KeyValue | undefined | ReadonlyArray<KeyValue> {
    if ('get' in query) return this.get(query.get)
    if (this.isAtomic) return this.list(query)
    this.#catchUp(lag)
    return listIn(this.#cache, query)
  }

  list(query: List): ReadonlyArray<KeyValue> {
    return listIn(this.#objects, query)
  }

  failureOf(write: Write): DatastoreError | undefined {
    return conditionFailure(this.get(write.key), write)
  }

  apply(write: Write): Revision | undefined {
    const text = keyText(write.key)
    const before = this.#objects.get(text)
    this.#revision += 1
    const revision = `${this.#revision}` as Revision
    const after =
      write.op === 'delete'
        ? undefined
        : frozen({ key: write.key, value: write.value, revision } as KeyValue)
    if (after === undefined) this.#objects.delete(text)
    else this.#objects.set(text, after)
    const change = { key: write.key, before, after }
    if (!this.isAtomic) this.#notYetCached.push(change)
    for (const listener of this.#listeners) listener(change)
    return after?.revision
  }

  #catchUp(lag: number): void {
    for (const { key, after } of this.#notYetCached.splice(0, this.#notYetCached.length - lag)) {
      if (after === undefined) this.#cache.delete(keyText(key))
      else this.#cache.set(keyText(key), after)
    }
  }
}

const listIn = (objects: ReadonlyMap<string, KeyValue>, query: List): ReadonlyArray<KeyValue> =>
  [...objects]
    .filter(([, one]) => matchesFilter(one.key, query))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one)
