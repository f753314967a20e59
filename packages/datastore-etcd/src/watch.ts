/**
 * Watching one kind: everything there is at one revision, then what changes after it. A stream that
 * breaks is taken up again where it stopped; when etcd has compacted that revision away, everything
 * is listed once more and compared with what had been reported, so that what vanished meanwhile is
 * reported too.
 */
import {
  type Cancellation,
  type DatastoreError,
  DatastoreFailure,
  type Key,
  type KeyValue,
  type Kind,
  keyText,
  type List,
  type Revision,
  type WatchEvent,
} from '@hc-calico/ipam-core/ports'
import { toDatastoreError } from './errors.ts'
import { pause } from './failover.ts'
import { listRange, parseEtcdKey } from './keys.ts'
import { type Change, type EtcdTransport, grpcStatus, TransportError } from './transport.ts'
import { keyValueOf } from './values.ts'

const retryMsMin = 100
const retryMsMax = 1_000

/** Objects reported and not reported as deleted, with their revisions. */
type Reported = Map<string, { readonly key: Key; readonly revision: Revision }>

interface Watching {
  readonly transport: EtcdTransport
  readonly kind: Kind
  readonly cancellation: Cancellation
  readonly reported: Reported
}

const put = (watching: Watching, keyValue: KeyValue): WatchEvent => {
  const { key, revision } = keyValue
  watching.reported.set(keyText(key), { key, revision })
  return { tag: 'Put', keyValue }
}

const deleted = (watching: Watching, key: Key): WatchEvent | undefined =>
  watching.reported.delete(keyText(key)) ? { tag: 'Deleted', key } : undefined

/** Everything that exists now, as the events that lead there from what was reported. */
const resync = async (
  watching: Watching,
): Promise<{ readonly events: ReadonlyArray<WatchEvent>; readonly revision: bigint }> => {
  const { transport, kind, cancellation, reported } = watching
  const range = { tag: 'Range', range: listRange({ list: kind } as List) } as const
  const transaction = { compare: [], success: [range], failure: [] }
  const { found, revision } = await transport.transact(transaction, {
    cancellation,
    isReadOnly: true,
  })
  const now = (found[0] ?? []).flatMap((pair) => {
    const key = parseEtcdKey(kind, pair.key)
    return key === undefined ? [] : [keyValueOf(key, pair)]
  })
  const present = new Set(now.map(({ key }) => keyText(key)))
  const gone = [...reported].filter(([text]) => !present.has(text)).map(([, { key }]) => key)
  const events = [
    ...gone.map((key) => deleted(watching, key)),
    ...now
      .filter((one) => reported.get(keyText(one.key))?.revision !== one.revision)
      .map((one) => put(watching, one)),
  ].filter((event) => event !== undefined)
  return { events: [...events, { tag: 'Synced' }], revision }
}

/** Undefined for what has been reported already: puts up to `after`, deletes of what is not there. */
const eventOf = (watching: Watching, change: Change, after: bigint): WatchEvent | undefined => {
  if (change.tag === 'Put' && change.pair.modRevision <= after) return undefined
  const text = change.tag === 'Put' ? change.pair.key : change.key
  const key = parseEtcdKey(watching.kind, text)
  if (key === undefined) return undefined
  if (change.tag === 'Deleted') return deleted(watching, key)
  return put(watching, keyValueOf(key, change.pair))
}

const isCompacted = (cause: unknown): boolean =>
  cause instanceof TransportError && cause.status === grpcStatus.outOfRange

const errorOf = (cause: unknown): DatastoreError => toDatastoreError(cause, 'watch', true)

const isDenied = (cause: unknown): boolean => errorOf(cause).tag === 'Unauthorized'

/** What makes going on pointless: no permission, or a document nobody can read. */
const throwIfHopeless = (cause: unknown): void => {
  const error = errorOf(cause)
  if (!error.retryable) throw new DatastoreFailure(error)
}

export async function* watchKind<K extends Kind>(
  transport: EtcdTransport,
  kind: K,
  cancellation: Cancellation,
): AsyncGenerator<WatchEvent<K>> {
  const watching: Watching = { transport, kind, cancellation, reported: new Map() }
  const range = listRange({ list: kind } as List)
  let seen: bigint | undefined
  let retryMs = retryMsMin
  while (!cancellation.aborted) {
    try {
      if (seen === undefined) {
        const { events, revision } = await resync(watching)
        yield* events as ReadonlyArray<WatchEvent<K>>
        seen = revision
      }
      // From the last revision seen, not from the one after it: etcd before 3.4.36 and 3.5.18, asked
      // for the very revision it compacted at, leaves out a delete of that revision and says nothing
      // (etcd-io/etcd issue 18089). Asked for an older one, it says that it is compacted.
      const after = seen
      for await (const batch of transport.changes(range, after, cancellation)) {
        for (const change of batch.changes) {
          const event = eventOf(watching, change, after)
          if (event !== undefined) yield event as WatchEvent<K>
        }
        if (batch.revision > seen) seen = batch.revision
        retryMs = retryMsMin
      }
    } catch (cause) {
      if (cancellation.aborted) return
      // A stream can be denied for an expired token as for a missing permission. Listing again tells
      // the two apart: that call signs in anew, or is denied itself.
      const isStream = seen !== undefined
      if (!(isStream && isDenied(cause))) throwIfHopeless(cause)
      if (isCompacted(cause) || isDenied(cause)) seen = undefined
      await pause(retryMs, cancellation)
      retryMs = Math.min(retryMs * 2, retryMsMax)
    }
  }
}
