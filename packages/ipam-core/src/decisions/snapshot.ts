/**
 * What an operation has read so far: the only knowledge a decision has. Immutable; the driver
 * (operations/run-decision.ts) grows it. A decision that needs more asks for it with `readMore`.
 */
import type { Answer, Get, Key, KeyValue, Kind, List, Query } from '../ports/datastore.ts'
import { keyText, queryText } from '../ports/key-text.ts'
import { emptyGrowingMap, type GrowingMap } from './growing-map.ts'

export interface Snapshot {
  /** Objects by key text; undefined means: read, and absent. */
  readonly objects: GrowingMap<KeyValue | undefined>
  /** Lists by query text, as the keys they answered. */
  readonly lists: GrowingMap<ReadonlyArray<Key>>
}

export const emptySnapshot: Snapshot = {
  objects: emptyGrowingMap(),
  lists: emptyGrowingMap(),
}

/** Whether the query has been answered already. */
export const wasRead = (snapshot: Snapshot, query: Query): boolean =>
  'get' in query ? snapshot.objects.has(keyText(query.get)) : snapshot.lists.has(queryText(query))

/** The queries of `wanted` that the snapshot cannot answer yet. */
export const notYetRead = (
  snapshot: Snapshot,
  wanted: ReadonlyArray<Query>,
): ReadonlyArray<Query> => wanted.filter((query) => !wasRead(snapshot, query))

/** The object, or undefined when it is absent. Asking for what was never read is a bug. */
export const getIn = <K extends Kind>(snapshot: Snapshot, key: Key<K>): KeyValue<K> | undefined => {
  const text = keyText(key as Key)
  if (!snapshot.objects.has(text)) throw new Error(`bug: ${text} was not read before it was used`)
  return snapshot.objects.get(text) as KeyValue<K> | undefined
}

/** The listed objects as last seen: later reads and our own writes of them show through. */
export const listIn = <K extends Kind>(
  snapshot: Snapshot,
  query: List & { readonly list: K },
): ReadonlyArray<KeyValue<K>> => {
  const text = queryText(query)
  const keys = snapshot.lists.get(text)
  if (keys === undefined) throw new Error(`bug: ${text} was not read before it was used`)
  return keys.flatMap((key) => {
    const found = snapshot.objects.get(keyText(key))
    return found === undefined ? [] : [found as KeyValue<K>]
  })
}

/** The snapshot with the answers to these queries added; newer answers replace older ones. */
export const withAnswers = (
  snapshot: Snapshot,
  queries: ReadonlyArray<Query>,
  answers: ReadonlyArray<Answer<Get> | Answer<List>>,
): Snapshot => {
  const objects = new Map<string, KeyValue | undefined>()
  const lists = new Map<string, ReadonlyArray<Key>>()
  queries.forEach((query, i) => {
    if ('get' in query) {
      objects.set(keyText(query.get), answers[i] as KeyValue | undefined)
      return
    }
    const listed = answers[i] as ReadonlyArray<KeyValue>
    lists.set(
      queryText(query),
      listed.map((one) => one.key),
    )
    for (const one of listed) objects.set(keyText(one.key), one)
  })
  return { objects: snapshot.objects.grown(objects), lists: snapshot.lists.grown(lists) }
}

/** The snapshot with these objects replaced by what they are now known to be. */
export const withCurrent = (
  snapshot: Snapshot,
  current: ReadonlyArray<{ readonly key: Key; readonly found: KeyValue | undefined }>,
): Snapshot => {
  const newer = current.map(({ key, found }) => [keyText(key), found] as const)
  return { objects: snapshot.objects.grown(newer), lists: snapshot.lists }
}
