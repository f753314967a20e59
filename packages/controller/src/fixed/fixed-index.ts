/**
 * Which identities have which addresses, kept beside the cache of blocks: most blocks hold no fixed
 * address and change all the time, so they must neither be looked through nor wake anybody.
 */
import { type FixedIdentity, fixedInventory } from '../decisions/fixed-inventory.ts'
import type { BlockFacts } from '../sources/blocks.ts'
import type { Cache, Change, Subscribable } from '../sources/cache.ts'

const hasFixed = (block: BlockFacts | undefined): boolean =>
  block?.allocations.some(({ fixed }) => fixed !== undefined) ?? false

export class FixedIndex implements Subscribable {
  readonly #blocks = new Map<string, BlockFacts>()
  readonly #listeners = new Set<(change: Change<unknown>) => void>()

  constructor(blocks: Cache<BlockFacts>) {
    for (const [key, now] of blocks.all()) this.#take({ key, before: undefined, now })
    blocks.subscribe((change) => this.#take(change))
  }

  /** By handle. */
  identities(): ReadonlyMap<string, FixedIdentity> {
    return fixedInventory(this.#blocks.values())
  }

  /** Tells only of blocks that hold, or held, a fixed address. */
  subscribe(listener: (change: Change<unknown>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #take(change: Change<BlockFacts>): void {
    const { key, now } = change
    const had = this.#blocks.delete(key)
    const has = now !== undefined && hasFixed(now)
    if (has) this.#blocks.set(key, now)
    if (had || has) for (const listener of this.#listeners) listener(change)
  }
}

/** Changes of a cache that matter to whoever listens. */
export const changesOf = <V>(
  cache: Cache<V>,
  matters: (change: Change<V>) => boolean,
): Subscribable => ({
  subscribe: (listener) =>
    cache.subscribe((change) => {
      if (matters(change)) listener(change)
    }),
})
