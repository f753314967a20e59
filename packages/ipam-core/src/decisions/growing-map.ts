/**
 * A map that is never changed, only grown into the next one. Copying everything at every step would
 * make a search among n blocks cost n times n; here a map is a stack of layers, each more than twice
 * as large as the one above it, so growing costs little and looking something up a few lookups.
 */
type Layer<V> = ReadonlyMap<string, V>

export interface GrowingMap<V> {
  readonly get: (key: string) => V | undefined
  readonly has: (key: string) => boolean
  /** The map with these entries added; they replace older ones of the same key. */
  readonly grown: (entries: Iterable<readonly [string, V]>) => GrowingMap<V>
}

const of = <V>(layers: ReadonlyArray<Layer<V>>): GrowingMap<V> => {
  const layerOf = (key: string): Layer<V> | undefined => layers.find((layer) => layer.has(key))
  return {
    get: (key) => layerOf(key)?.get(key),
    has: (key) => layerOf(key) !== undefined,
    grown: (entries) => {
      let top: Layer<V> = new Map(entries)
      let below = 0
      for (let next = layers[below]; next && next.size <= 2 * top.size; next = layers[below]) {
        top = new Map([...next, ...top])
        below += 1
      }
      return of([top, ...layers.slice(below)])
    },
  }
}

export const emptyGrowingMap = <V>(): GrowingMap<V> => of([])
