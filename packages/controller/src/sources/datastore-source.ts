/**
 * Keeps a cache of one kind of the datastore by the port's watch. The adapter takes broken streams
 * up again by itself and says what vanished meanwhile; only when it gives up (no permission, a
 * document nobody can read) is everything begun anew here, after a pause.
 */

import { setImmediate } from 'node:timers/promises'
import type { Cancellation, Datastore, Key, KeyValue, Kind } from '@hc-calico/ipam-core/ports'
import type { ControllerClock } from '../clock.ts'
import { type Log, reasonOf } from '../log.ts'
import type { FilledCache } from './cache.ts'
import type { SourcePace } from './kube-source.ts'

export interface DatastoreKind<K extends Kind, V> {
  readonly kind: K
  readonly keyOf: (key: Key<K>) => string
  /** What is kept of a value. Must not throw. */
  readonly keep: (keyValue: KeyValue<K>) => V
}

export interface DatastoreSourceDeps {
  readonly datastore: Datastore
  readonly clock: ControllerClock
  readonly log: Log
  readonly pace: SourcePace
}

/** So many events are taken before timers and requests get their turn. */
const batchSize = 500

const followOnce = async <K extends Kind, V>(
  { datastore, clock }: DatastoreSourceDeps,
  { kind, keyOf, keep }: DatastoreKind<K, V>,
  cache: FilledCache<V>,
  cancellation: Cancellation,
): Promise<void> => {
  let taken = 0
  cache.beginList()
  for await (const event of datastore.watch(kind, cancellation)) {
    cache.heard(clock.monotonicMs())
    if (event.tag === 'Put') cache.put(keyOf(event.keyValue.key), keep(event.keyValue))
    else if (event.tag === 'Deleted') cache.delete(keyOf(event.key))
    else cache.endList()
    taken += 1
    if (taken % batchSize === 0) await setImmediate()
  }
}

/** Runs until cancelled. Never rejects: what fails is logged and tried again. */
export const keepFromDatastore = async <K extends Kind, V>(
  deps: DatastoreSourceDeps,
  kind: DatastoreKind<K, V>,
  cache: FilledCache<V>,
  cancellation: Cancellation,
): Promise<void> => {
  const { clock, log, pace } = deps
  let retryMs = pace.retryMsMin
  while (!cancellation.aborted) {
    const startedMs = clock.monotonicMs()
    try {
      await followOnce(deps, kind, cache, cancellation)
    } catch (thrown) {
      if (cancellation.aborted) return
      log.error('The datastore cannot be watched', {
        source: cache.name,
        reason: reasonOf(thrown),
      })
    }
    if (clock.monotonicMs() - startedMs > pace.retryMsMax) retryMs = pace.retryMsMin
    await clock.sleep(retryMs, cancellation)
    retryMs = Math.min(retryMs * 2, pace.retryMsMax)
  }
}
