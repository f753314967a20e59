/** Turns "something changed" signals and a way to list into the event stream of the port. */
import type { Cancellation } from '../ports/cancellation.ts'
import type { KeyValue, Kind, WatchEvent } from '../ports/datastore.ts'
import { keyText } from '../ports/key-text.ts'

type Known<K extends Kind> = Map<string, KeyValue<K>>

/** What changed between what was known and what is there now; `known` is brought up to date. */
const changesSince = <K extends Kind>(
  known: Known<K>,
  current: ReadonlyArray<KeyValue<K>>,
): ReadonlyArray<WatchEvent<K>> => {
  const now = new Map(current.map((one) => [keyText(one.key as never), one]))
  const deleted = [...known].filter(([text]) => !now.has(text))
  const put = [...now].filter(([text, one]) => known.get(text)?.revision !== one.revision)
  known.clear()
  for (const [text, one] of now) known.set(text, one)
  return [
    ...deleted.map(([, one]): WatchEvent<K> => ({ tag: 'Deleted', key: one.key })),
    ...put.map(([, keyValue]): WatchEvent<K> => ({ tag: 'Put', keyValue })),
  ]
}

/** Everything there is, `Synced`, then changes as they are signalled, until cancelled. */
export const streamChanges = async function* <K extends Kind>(
  current: () => ReadonlyArray<KeyValue<K>>,
  listeners: Set<() => void>,
  cancellation: Cancellation,
): AsyncGenerator<WatchEvent<K>> {
  const known: Known<K> = new Map()
  let wake: () => void = () => {}
  const signal = (): void => wake()
  listeners.add(signal)
  cancellation.addEventListener('abort', signal)
  let isFirst = true
  try {
    while (!cancellation.aborted) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      for (const event of changesSince(known, current())) yield event
      if (isFirst) yield { tag: 'Synced' }
      isFirst = false
      if (!cancellation.aborted) await changed
    }
  } finally {
    listeners.delete(signal)
    cancellation.removeEventListener('abort', signal)
  }
}
