/** Watching by polling the revision counter: other processes write the file, and it cannot call. */
import {
  type Cancellation,
  type KeyValue,
  type Kind,
  keyText,
  type WatchEvent,
} from '@hc-calico/ipam-core/ports'

interface Source<K extends Kind> {
  /** The file's revision now; cheap. */
  readonly revision: () => bigint
  readonly list: () => ReadonlyArray<KeyValue<K>>
}

const pause = (ms: number, cancellation: Cancellation): Promise<void> =>
  new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      cancellation.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    cancellation.addEventListener('abort', finish)
  })

export const watchByPolling = async function* <K extends Kind>(
  source: Source<K>,
  intervalMs: number,
  cancellation: Cancellation,
): AsyncGenerator<WatchEvent<K>> {
  let known = new Map<string, KeyValue<K>>()
  let seen: bigint | undefined
  while (!cancellation.aborted) {
    const revision = source.revision()
    if (revision !== seen) {
      const now = new Map(source.list().map((one) => [keyText(one.key as never), one]))
      for (const [text, one] of known) {
        if (!now.has(text)) yield { tag: 'Deleted', key: one.key }
      }
      for (const [text, one] of now) {
        if (known.get(text)?.revision !== one.revision) yield { tag: 'Put', keyValue: one }
      }
      if (seen === undefined) yield { tag: 'Synced' }
      known = now
      seen = revision
    }
    await pause(intervalMs, cancellation)
  }
}
