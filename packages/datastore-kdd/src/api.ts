/**
 * Requests for custom resources: which of Calico's API groups the server has, objects and lists as
 * JSON that keeps 64-bit integers.
 */
import { parseJSON } from '@hc-calico/crd-types/json'
import {
  type CallOptions,
  DatastoreFailure,
  datastoreError,
  type Key,
} from '@hc-calico/ipam-core/ports'
import type { KubeClient, KubeRequest, KubeResponse } from '@hc-calico/kube-client/lean'
import { type APIGroup, type ResourceType, resourceType } from './api-groups.ts'
import { isUnserved, missingCRD, refusal } from './errors.ts'
import type { CustomKind } from './names.ts'
import type { ObjectVersion } from './revisions.ts'

export type JSONObject = Readonly<Record<string, unknown>>

/** Objects of a list as they come, and the version of the whole. */
export interface ListPage {
  readonly items: ReadonlyArray<JSONObject>
  readonly resourceVersion: string
}

const pageSize = 500

export const metadataOf = (object: JSONObject): JSONObject => (object.metadata ?? {}) as JSONObject

export const objectVersion = (object: JSONObject): ObjectVersion => {
  const { uid, resourceVersion } = metadataOf(object)
  return { uid: String(uid ?? ''), resourceVersion: String(resourceVersion ?? '') }
}

const parsed = (request: KubeRequest, text: string): JSONObject => {
  try {
    return parseJSON(text) as JSONObject
  } catch (cause) {
    const message = `Kubernetes: the answer to ${request.method} ${request.path} is ${(cause as Error).message}`
    // A write whose answer cannot be read has been carried out, as far as anybody can tell.
    const tag = request.method === 'GET' ? 'Unavailable' : 'OutcomeUnknown'
    throw new DatastoreFailure(datastoreError(tag, message, { cause }))
  }
}

export class API {
  readonly #client: KubeClient
  /** Undefined until an answer shows which one is served. */
  #group: APIGroup | undefined

  constructor(client: KubeClient, group: APIGroup | undefined) {
    this.#client = client
    this.#group = group
  }

  get client(): KubeClient {
    return this.#client
  }

  /** The type of a kind in the group that is (or, before any answer, may be) served. */
  typeOf(kind: CustomKind): ResourceType {
    return resourceType(this.#group ?? 'crd.projectcalico.org/v1', kind)
  }

  send(request: KubeRequest): Promise<KubeResponse> {
    return this.#client.request(request)
  }

  /**
   * A request to a kind's path. The older group is tried first; a cluster that serves only the newer
   * one is found out by the first answer, at no cost for the others.
   */
  async sendTo(
    kind: CustomKind,
    make: (type: ResourceType) => KubeRequest,
  ): Promise<{
    readonly request: KubeRequest
    readonly response: KubeResponse
    readonly type: ResourceType
  }> {
    const known = this.#group
    const type = this.typeOf(kind)
    const request = make(type)
    const response = await this.send(request)
    if (!isUnserved(response)) {
      this.#group ??= 'crd.projectcalico.org/v1'
      return { request, response, type }
    }
    // Another question asked at the same time may have found the newer group meanwhile: what counts
    // is what was known when this one was asked.
    if (known !== undefined || this.#group === 'crd.projectcalico.org/v1')
      throw new DatastoreFailure(missingCRD(type.crd))
    const newer = resourceType('projectcalico.org/v3', kind)
    const again = make(newer)
    const answer = await this.send(again)
    if (isUnserved(answer)) throw new DatastoreFailure(missingCRD(type.crd))
    this.#group = 'projectcalico.org/v3'
    return { request: again, response: answer, type: newer }
  }

  /** One object; undefined when there is none. */
  async get(request: KubeRequest, key?: Key): Promise<JSONObject | undefined> {
    const response = await this.send(request)
    if (response.status === 404) return undefined
    if (response.status !== 200) throw new DatastoreFailure(refusal(request, response, key))
    return parsed(request, response.text)
  }

  async getCustom(
    kind: CustomKind,
    name: string,
    options: CallOptions,
  ): Promise<JSONObject | undefined> {
    const { request, response } = await this.sendTo(kind, ({ path }) => ({
      method: 'GET',
      path: `${path}/${encodeURIComponent(name)}`,
      ...options,
    }))
    if (response.status === 404) return undefined
    if (response.status !== 200) throw new DatastoreFailure(refusal(request, response))
    return parsed(request, response.text)
  }

  /** Every object below a path, page by page; the version is the same on every page. */
  async *pages(
    path: string,
    query: URLSearchParams,
    options: CallOptions,
  ): AsyncGenerator<ListPage> {
    let next: string | undefined
    do {
      const request = pageRequest(path, query, next, options)
      const response = await this.send(request)
      if (response.status !== 200) throw new DatastoreFailure(refusal(request, response))
      const page = parsed(request, response.text)
      const metadata = metadataOf(page)
      next = metadata.continue as string | undefined
      yield {
        items: (page.items ?? []) as ReadonlyArray<JSONObject>,
        resourceVersion: String(metadata.resourceVersion ?? ''),
      }
    } while (next !== undefined && next !== '')
  }

  /** All pages together. */
  async list(path: string, query: URLSearchParams, options: CallOptions): Promise<ListPage> {
    const all: JSONObject[] = []
    let version = ''
    for await (const { items, resourceVersion } of this.pages(path, query, options)) {
      all.push(...items)
      version = resourceVersion
    }
    return { items: all, resourceVersion: version }
  }

  /** Pages of a kind, for those who need not hold all of it at once. */
  async *customPages(kind: CustomKind, options: CallOptions): AsyncGenerator<ListPage> {
    const query = new URLSearchParams()
    if (this.#group === undefined) await this.#findGroup(kind, options)
    const { path, crd } = this.typeOf(kind)
    try {
      yield* this.pages(path, query, options)
    } catch (cause) {
      throw orMissing(cause, crd)
    }
  }

  /** One object is asked for, to see which group has the kind. */
  async #findGroup(kind: CustomKind, options: CallOptions): Promise<void> {
    const { request, response } = await this.sendTo(kind, ({ path }) => ({
      method: 'GET',
      path: `${path}?limit=1`,
      ...options,
    }))
    if (response.status !== 200) throw new DatastoreFailure(refusal(request, response))
  }

  async listCustom(
    kind: CustomKind,
    query: URLSearchParams,
    options: CallOptions,
  ): Promise<ListPage> {
    if (this.#group !== undefined) return this.#listServed(kind, query, options)
    const first = await this.sendTo(kind, ({ path }) =>
      pageRequest(path, query, undefined, options),
    )
    const { request, response } = first
    if (response.status !== 200) throw new DatastoreFailure(refusal(request, response))
    const page = parsed(request, response.text)
    const metadata = metadataOf(page)
    if (metadata.continue) return this.#listServed(kind, query, options)
    return {
      items: (page.items ?? []) as ReadonlyArray<JSONObject>,
      resourceVersion: String(metadata.resourceVersion ?? ''),
    }
  }

  async #listServed(
    kind: CustomKind,
    query: URLSearchParams,
    options: CallOptions,
  ): Promise<ListPage> {
    const { path, crd } = this.typeOf(kind)
    try {
      return await this.list(path, query, options)
    } catch (cause) {
      throw orMissing(cause, crd)
    }
  }

  /** For writes: the answer and the object in it. */
  parse(request: KubeRequest, response: KubeResponse): JSONObject {
    return parsed(request, response.text)
  }
}

/** A collection that is not found is one whose definition is missing. */
const orMissing = (cause: unknown, crd: string): unknown => {
  const isMissing = cause instanceof DatastoreFailure && cause.error.tag === 'NotFound'
  return isMissing ? new DatastoreFailure(missingCRD(crd)) : cause
}

const pageRequest = (
  path: string,
  query: URLSearchParams,
  next: string | undefined,
  options: CallOptions,
): KubeRequest => {
  const asked = new URLSearchParams(query)
  asked.set('limit', String(pageSize))
  if (next !== undefined) asked.set('continue', next)
  return { method: 'GET', path: `${path}?${asked}`, ...options }
}
