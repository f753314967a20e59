/** The objects of one kind: by name, and in order for lists, which are sorted once per change. */
import { type KeyValue, type List, matchesFilter } from '@hc-calico/ipam-core/ports'

export class KindTable {
  readonly #objects = new Map<string, KeyValue>()
  #sorted: ReadonlyArray<KeyValue> | undefined

  get(text: string): KeyValue | undefined {
    return this.#objects.get(text)
  }

  put(text: string, one: KeyValue | undefined): void {
    if (one === undefined) this.#objects.delete(text)
    else this.#objects.set(text, one)
    this.#sorted = undefined
  }

  list(query: List): ReadonlyArray<KeyValue> {
    this.#sorted ??= [...this.#objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
    if (query.where === undefined) return this.#sorted
    return this.#sorted.filter((one) => matchesFilter(one.key, query))
  }
}
