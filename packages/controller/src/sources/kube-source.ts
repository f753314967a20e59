/**
 * Keeps a cache of one Kubernetes resource: a list in pages, then a watch from the list's version
 * with bookmarks. A version the server has forgotten (410) leads to a new list, which also finds
 * what vanished meanwhile. A stream on which nothing comes, not even a bookmark or the server's own
 * end of the watch, is cut: behind a dead network it would stay silent for ever.
 */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import { type KubeClient, KubeRefused, type KubeResponse } from '@hc-calico/kube-client'
import type { ControllerClock } from '../clock.ts'
import { type Log, reasonOf } from '../log.ts'
import type { FilledCache } from './cache.ts'

export interface KubeResource<V> {
  /** Of the whole cluster, e.g. `/api/v1/pods`. */
  readonly path: string
  readonly labelSelector?: string
  /** The API may be absent (a CRD that is not installed): then there are none of the kind. */
  readonly isOptional?: boolean
  /** Key and what is kept of an object; undefined: it does not count. Must not throw. */
  readonly read: (object: KubeObject) => readonly [key: string, value: V] | undefined
}

/** An object of the API, read with care: anything may be absent. */
export interface KubeObject {
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly generation?: number
    readonly deletionTimestamp?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly ownerReferences?: ReadonlyArray<{
      readonly apiVersion?: string
      readonly kind?: string
      readonly name?: string
      readonly uid?: string
      readonly controller?: boolean
    }>
  }
  readonly [field: string]: unknown
}

export interface SourcePace {
  readonly pageSize: number
  /** How long the server is asked to keep a watch open. */
  readonly watchSeconds: number
  /** What may pass beyond that before a silent stream is cut. */
  readonly silenceSlackMs: number
  readonly retryMsMin: number
  readonly retryMsMax: number
  /** How often an API that is not served is looked for. */
  readonly unservedMs: number
}

export const defaultPace: SourcePace = {
  pageSize: 500,
  watchSeconds: 300,
  silenceSlackMs: 30_000,
  retryMsMin: 200,
  retryMsMax: 15_000,
  unservedMs: 60_000,
}

/** After this much silence the source has failed to help itself. */
export const silenceMsMax = ({ watchSeconds, silenceSlackMs, retryMsMax }: SourcePace): number =>
  watchSeconds * 1000 + 2 * silenceSlackMs + 2 * retryMsMax

export interface SourceDeps {
  readonly client: KubeClient
  readonly clock: ControllerClock
  readonly log: Log
  readonly pace: SourcePace
}

class Expired extends Error {}
class Unserved extends Error {}

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items?: ReadonlyArray<KubeObject> | null
}

const failureOf = ({ path }: KubeResource<unknown>, { status, text }: KubeResponse): Error => {
  if (status === 410) return new Expired(text)
  if (status === 404) return new Unserved(`${path} is not served`)
  return new Error(`${path}: status ${status}: ${text.slice(0, 500)}`)
}

const queryOf = (
  { path, labelSelector }: KubeResource<unknown>,
  more: Readonly<Record<string, string>>,
): string => {
  const query = new URLSearchParams(more)
  if (labelSelector !== undefined) query.set('labelSelector', labelSelector)
  return `${path}?${query}`
}

const take = <V>(
  cache: FilledCache<V>,
  resource: KubeResource<V>,
  object: KubeObject,
  isDeleted: boolean,
): void => {
  const found = resource.read(object)
  if (found === undefined) return
  const [key, value] = found
  if (isDeleted) cache.delete(key)
  else cache.put(key, value)
}

/** Lists everything into the cache; resolves to the version of the list. */
const list = async <V>(
  { client, clock, pace }: SourceDeps,
  resource: KubeResource<V>,
  cache: FilledCache<V>,
  cancellation: Cancellation,
): Promise<string> => {
  cache.beginList()
  let next: string | undefined
  let version = ''
  do {
    const page = { limit: String(pace.pageSize), ...(next === undefined ? {} : { continue: next }) }
    const path = queryOf(resource, page)
    const response = await client.request({ method: 'GET', path, cancellation })
    if (response.status !== 200) throw failureOf(resource, response)
    const { metadata = {}, items } = JSON.parse(response.text) as Page
    for (const object of items ?? []) take(cache, resource, object, false)
    cache.heard(clock.monotonicMs())
    version = metadata.resourceVersion ?? ''
    next = metadata.continue === '' ? undefined : metadata.continue
  } while (next !== undefined)
  cache.endList()
  return version
}

interface Line {
  readonly type: string
  readonly object: KubeObject & { readonly code?: number; readonly message?: string }
}

const lineOf = (text: string): Line => {
  const line = JSON.parse(text) as Line
  if (line.type !== 'ERROR') return line
  const { code, message } = line.object
  if (code === 410) throw new Expired(message)
  throw new Error(`the watch was ended by the server: ${message ?? code}`)
}

/** Fires with the outer cancellation, or after a silence. `restart` begins the silence anew. */
const silenceGuard = (outer: Cancellation, silenceMs: number) => {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  let timer = setTimeout(abort, silenceMs)
  outer.addEventListener('abort', abort)
  if (outer.aborted) abort()
  return {
    signal: controller.signal,
    restart: (): void => {
      clearTimeout(timer)
      timer = setTimeout(abort, silenceMs)
    },
    end: (): void => {
      clearTimeout(timer)
      outer.removeEventListener('abort', abort)
    },
  }
}

/** Follows one stream to its end; `seen` gets every version that was reached. */
const follow = async <V>(
  { client, clock, pace }: SourceDeps,
  {
    resource,
    cache,
    version,
  }: { resource: KubeResource<V>; cache: FilledCache<V>; version: string },
  cancellation: Cancellation,
  seen: (version: string) => void,
): Promise<void> => {
  const guard = silenceGuard(cancellation, pace.watchSeconds * 1000 + pace.silenceSlackMs)
  const path = queryOf(resource, {
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(pace.watchSeconds),
  })
  try {
    for await (const text of client.watch(path, guard.signal)) {
      guard.restart()
      const { type, object } = lineOf(text)
      cache.heard(clock.monotonicMs())
      if (type !== 'BOOKMARK') take(cache, resource, object, type === 'DELETED')
      seen(object.metadata?.resourceVersion ?? version)
    }
    // The server ended it in good order: that too is a sign of life.
    if (!guard.signal.aborted) cache.heard(clock.monotonicMs())
  } finally {
    guard.end()
  }
}

const isExpired = (thrown: unknown): boolean =>
  thrown instanceof Expired || (thrown instanceof KubeRefused && thrown.response.status === 410)

const isUnserved = (thrown: unknown): boolean =>
  thrown instanceof Unserved || (thrown instanceof KubeRefused && thrown.response.status === 404)

/** Runs until cancelled. Never rejects: what fails is logged and tried again. */
export const keepFromKubernetes = async <V>(
  deps: SourceDeps,
  resource: KubeResource<V>,
  cache: FilledCache<V>,
  cancellation: Cancellation,
): Promise<void> => {
  const { clock, log, pace } = deps
  let version: string | undefined
  let retryMs = pace.retryMsMin
  const reach = (seen: string): void => {
    version = seen
    retryMs = pace.retryMsMin
  }
  while (!cancellation.aborted) {
    let pauseMs = retryMs
    try {
      version ??= await list(deps, resource, cache, cancellation)
      await follow(deps, { resource, cache, version }, cancellation, reach)
    } catch (thrown) {
      if (cancellation.aborted) return
      if (isExpired(thrown)) version = undefined
      else if (resource.isOptional === true && isUnserved(thrown)) {
        version = undefined
        cache.unserved()
        cache.heard(clock.monotonicMs())
        pauseMs = pace.unservedMs
      } else {
        log.warning('A watch failed', { source: cache.name, reason: reasonOf(thrown) })
      }
    }
    // Also after a good end and after a 410: a server may answer so again and again.
    await clock.sleep(pauseMs, cancellation)
    retryMs = Math.min(retryMs * 2, pace.retryMsMax)
  }
}
