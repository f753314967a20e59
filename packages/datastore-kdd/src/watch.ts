/**
 * Watching one kind: list, then a watch from the list's version, with bookmarks so that the version
 * keeps up while nothing of the kind changes. When the server has forgotten the version (410), or
 * the stream breaks, it is taken up again; after a 410 everything is listed once more and compared
 * with what had been reported, so that what vanished meanwhile is reported too.
 */
import { parseJSON } from '@hc-calico/crd-types/json'
import {
  type Cancellation,
  DatastoreFailure,
  datastoreError,
  type Key,
  type KeyValue,
  type Kind,
  type Revision,
  type WatchEvent,
} from '@hc-calico/ipam-core/ports'
import { KubeRefused } from '@hc-calico/kube-client/lean'
import { type API, type JSONObject, type ListPage, metadataOf } from './api.ts'
import { isTombstone } from './api-groups.ts'
import { endpointOfObject } from './endpoints.ts'
import { toDatastoreError } from './errors.ts'
import type { CustomKind } from './names.ts'
import { nodeOf } from './read.ts'
import { keyValueOf } from './values.ts'

const retryMsMin = 100
const retryMsMax = 5_000
/** The server is asked to end a watch after this. */
const watchSeconds = 300
/** A stream that lives so much longer has died without a word: nobody is at the other end. */
const overdueSeconds = 30

interface Source {
  readonly pages: () => AsyncIterable<ListPage>
  readonly path: () => string
  /** Undefined for an object that is none of the kind. */
  readonly read: (object: JSONObject) => KeyValue | undefined
}

const coreSource = (
  api: API,
  path: string,
  read: Source['read'],
  cancellation: Cancellation,
): Source => ({
  pages: () => api.pages(path, new URLSearchParams(), { cancellation }),
  path: () => path,
  read,
})

const customSource = (api: API, kind: CustomKind, cancellation: Cancellation): Source => ({
  pages: () => api.customPages(kind, { cancellation }),
  path: () => api.typeOf(kind).path,
  read: (object) =>
    isTombstone(object) ? undefined : (keyValueOf(kind, api.typeOf(kind), object) as KeyValue),
})

const sourceOf = (api: API, kind: Kind, cancellation: Cancellation): Source => {
  switch (kind) {
    case 'Node':
      return coreSource(api, '/api/v1/nodes', nodeOf, cancellation)
    case 'WorkloadEndpoint':
      return coreSource(api, '/api/v1/pods', endpointOfObject, cancellation)
    case 'Profile':
      throw new DatastoreFailure(
        datastoreError('Unsupported', 'profiles are not stored on the Kubernetes API'),
      )
    default:
      return customSource(api, kind, cancellation)
  }
}

interface Reported {
  readonly key: Key
  readonly revision: Revision
}

/** What has been reported and not as deleted, by the name of the object. */
type ReportedObjects = Map<string, Reported>

const nameOf = (object: JSONObject): string => {
  const { namespace = '', name } = metadataOf(object)
  return namespace === '' ? String(name) : `${namespace}/${name}`
}

/** The event that an object as it is now leads to, if any. */
const eventFor = (
  reported: ReportedObjects,
  name: string,
  now: KeyValue | undefined,
): WatchEvent | undefined => {
  const before = reported.get(name)
  if (now === undefined) {
    reported.delete(name)
    return before && { tag: 'Deleted', key: before.key }
  }
  // A handle's name is its id: one copy of that text is enough.
  const text = 'id' in now.key && now.key.id === name ? now.key.id : name
  reported.set(text, { key: now.key, revision: now.revision })
  return before?.revision === now.revision ? undefined : { tag: 'Put', keyValue: now }
}

/**
 * What a list says beyond what had been reported, page by page: a big cluster has more handles than
 * one wants to hold as documents. Returns the list's version.
 */
async function* relisted(
  source: Source,
  reported: ReportedObjects,
): AsyncGenerator<WatchEvent, string> {
  const unseen = new Set(reported.keys())
  let version = ''
  for await (const { items, resourceVersion } of source.pages()) {
    for (const object of items) {
      const name = nameOf(object)
      unseen.delete(name)
      const event = eventFor(reported, name, source.read(object))
      if (event !== undefined) yield event
    }
    version = resourceVersion
  }
  for (const name of unseen) {
    const event = eventFor(reported, name, undefined)
    if (event !== undefined) yield event
  }
  yield { tag: 'Synced' }
  return version
}

interface Line {
  readonly type: string
  readonly object: JSONObject
}

/** The server's own word, in the stream or instead of it, that the version is too old. */
class Expired extends Error {}

const lineOf = (text: string): Line => {
  const line = parseJSON(text) as Line
  if (line.type !== 'ERROR') return line
  const { code, message } = line.object as { code?: number; message?: string }
  if (code === 410) throw new Expired(message)
  throw new Error(`the watch was ended by the server: ${message ?? code}`)
}

const isExpired = (cause: unknown): boolean =>
  cause instanceof Expired || (cause instanceof KubeRefused && cause.response.status === 410)

const watchPath = (source: Source, resourceVersion: string): string => {
  const query = new URLSearchParams({
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion,
    timeoutSeconds: String(watchSeconds),
  })
  return `${source.path()}?${query}`
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
    if (cancellation.aborted) finish()
  })

const throwIfHopeless = (cause: unknown): void => {
  const error = toDatastoreError(cause, false)
  if (!error.retryable) throw new DatastoreFailure(error)
}

/** The lines of one watch, ended by us when the server should have ended it long ago. */
async function* streamed(
  api: API,
  path: string,
  cancellation: Cancellation,
): AsyncGenerator<string> {
  const end = new AbortController()
  const stop = (): void => end.abort()
  const timer = setTimeout(stop, (watchSeconds + overdueSeconds) * 1000)
  cancellation.addEventListener('abort', stop)
  if (cancellation.aborted) stop()
  try {
    yield* api.client.watch(path, end.signal)
  } finally {
    clearTimeout(timer)
    cancellation.removeEventListener('abort', stop)
  }
}

export async function* watchKind<K extends Kind>(
  api: API,
  kind: K,
  cancellation: Cancellation,
): AsyncGenerator<WatchEvent<K>> {
  const source = sourceOf(api, kind, cancellation)
  const reported: ReportedObjects = new Map()
  let version: string | undefined
  let retryMs = retryMsMin
  while (!cancellation.aborted) {
    try {
      version ??= yield* relisted(source, reported) as AsyncGenerator<WatchEvent<K>, string>
      for await (const text of streamed(api, watchPath(source, version), cancellation)) {
        const { type, object } = lineOf(text)
        version = String(metadataOf(object).resourceVersion)
        retryMs = retryMsMin
        if (type === 'BOOKMARK') continue
        const now = type === 'DELETED' ? undefined : source.read(object)
        const event = eventFor(reported, nameOf(object), now)
        if (event !== undefined) yield event as WatchEvent<K>
      }
    } catch (cause) {
      if (cancellation.aborted) return
      if (isExpired(cause)) version = undefined
      else throwIfHopeless(cause)
    }
    // Also after an end without an error and after a 410: a server may answer so again and again.
    await pause(retryMs, cancellation)
    retryMs = Math.min(retryMs * 2, retryMsMax)
  }
}
