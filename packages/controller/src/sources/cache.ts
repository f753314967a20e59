/**
 * What is known of one kind of object, kept by a list and a watch. Only the fields that decisions
 * read are kept: at 220,000 addresses whole documents would be gigabytes. A cache may lag behind;
 * whoever takes something away because of what it says validates that against the API just before.
 */

/** What became of one object; `now` is undefined for one that is gone, `before` for a new one. */
export interface Change<V> {
  readonly key: string
  readonly before: V | undefined
  readonly now: V | undefined
}

export interface Subscribable {
  /** Called after every change, in order. Returns what ends it. */
  subscribe(listener: (change: Change<unknown>) => void): () => void
}

export interface Cache<V> extends Subscribable {
  readonly name: string
  /** Everything that exists has been seen at least once. */
  readonly isSynced: boolean
  readonly size: number
  /** On the monotonic clock: when anything was last heard about this kind, news or not. */
  readonly lastEventMs: number
  /** Nothing has been heard for longer than is possible while all is well. */
  isStalled(nowMs: number): boolean
  get(key: string): V | undefined
  /** In no particular order. */
  all(): ReadonlyMap<string, V>
  subscribe(listener: (change: Change<V>) => void): () => void
}

/** The cache as its source fills it. */
export class FilledCache<V> implements Cache<V> {
  readonly name: string
  readonly #items = new Map<string, V>()
  readonly #listeners = new Set<(change: Change<V>) => void>()
  readonly #silenceMsMax: number
  #isSynced = false
  #lastEventMs = 0
  /** Keys seen since a list began; undefined while none is under way. */
  #listed: Set<string> | undefined

  constructor(name: string, silenceMsMax = Number.POSITIVE_INFINITY) {
    this.name = name
    this.#silenceMsMax = silenceMsMax
  }

  get isSynced(): boolean {
    return this.#isSynced
  }
  get size(): number {
    return this.#items.size
  }
  get lastEventMs(): number {
    return this.#lastEventMs
  }
  isStalled(nowMs: number): boolean {
    return nowMs - this.#lastEventMs > this.#silenceMsMax
  }
  get(key: string): V | undefined {
    return this.#items.get(key)
  }
  all(): ReadonlyMap<string, V> {
    return this.#items
  }
  subscribe(listener: (change: Change<V>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Something was heard, whatever it was. */
  heard(nowMs: number): void {
    this.#lastEventMs = nowMs
  }

  put(key: string, value: V): void {
    const before = this.#items.get(key)
    this.#items.set(key, value)
    this.#listed?.add(key)
    this.#tell({ key, before, now: value })
  }

  delete(key: string): void {
    const before = this.#items.get(key)
    if (before === undefined) return
    this.#items.delete(key)
    this.#tell({ key, before, now: undefined })
  }

  /** From here on everything that exists is put; what `endList` has not seen by then is gone. */
  beginList(): void {
    this.#listed = new Set()
  }

  endList(): void {
    const listed = this.#listed
    this.#listed = undefined
    if (listed !== undefined) {
      for (const key of [...this.#items.keys()]) if (!listed.has(key)) this.delete(key)
    }
    this.#isSynced = true
  }

  /** The kind is not there (any more): what is known stays, but nobody may rely on it. */
  unserved(): void {
    this.#isSynced = this.#items.size === 0
  }

  #tell(change: Change<V>): void {
    for (const listener of this.#listeners) listener(change)
  }
}
