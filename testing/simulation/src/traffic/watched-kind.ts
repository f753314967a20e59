/** A controller's view of one kind, kept by a watch: never ahead, often behind. */
import { type KeyValue, type Kind, keyText, type WatchEvent } from '@hc-calico/ipam-core/ports'
import { watched } from '../store/watch.ts'
import type { World } from '../world.ts'

export class WatchedKind<K extends Kind> {
  readonly kind: K
  readonly #objects = new Map<string, KeyValue<K>>()
  #isSynced = false

  constructor(world: World, kind: K) {
    this.kind = kind
    void this.#follow(watched(world, kind) as AsyncIterable<WatchEvent<K>>)
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  get all(): ReadonlyArray<KeyValue<K>> {
    return [...this.#objects.values()]
  }

  async #follow(events: AsyncIterable<WatchEvent<K>>): Promise<void> {
    for await (const event of events) {
      if (event.tag === 'Synced') this.#isSynced = true
      else if (event.tag === 'Deleted') this.#objects.delete(keyText(event.key as never))
      else this.#objects.set(keyText(event.keyValue.key as never), event.keyValue)
    }
  }
}
