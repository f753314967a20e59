/**
 * The few objects of the Kubernetes API that the plugin and the controller's loop of fixed addresses
 * look at, in memory: with versions, uids, merge patches and preconditions, without watches, because
 * the model says itself when a cache hears of something.
 */
import type { KubeClient, KubeRequest, KubeResponse } from '@hc-calico/kube-client'

export interface StoredObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

type JSONObject = { readonly [field: string]: unknown }

/** What is served beside the objects: which API has sets. */
const discovery: ReadonlyMap<string, object> = new Map<string, object>([
  ['/apis', { groups: [{ preferredVersion: { groupVersion: 'apps/v1' } }] }],
  ['/apis/apps/v1', { resources: [{ name: 'statefulsets', kind: 'StatefulSet' }] }],
])

const isObject = (value: unknown): value is JSONObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7386. */
const merged = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = { ...(isObject(target) ? target : {}) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

const answer = (status: number, body: object): KubeResponse => ({
  status,
  text: JSON.stringify(body),
})

export class FakeKubernetes {
  readonly #objects = new Map<string, StoredObject>()
  #changes = 0

  /** A client; `admit` is asked before every write, and throws where the write never arrives. */
  client(admit: () => void = () => undefined): KubeClient {
    return {
      request: async (request) => {
        if (request.method !== 'GET') admit()
        return this.#answer(request)
      },
      watch: () => {
        throw new Error('nothing is watched here')
      },
      close: async () => undefined,
    }
  }

  get(path: string): StoredObject | undefined {
    return this.#objects.get(path)
  }

  /** Objects of a collection of the namespace `default`. */
  list(collection: string): ReadonlyArray<StoredObject> {
    const found = [...this.#objects].filter(([path]) => path.startsWith(`${collection}/`))
    return found.map(([, object]) => object)
  }

  create(collection: string, object: object): KubeResponse {
    return this.#create(collection, object as JSONObject)
  }

  merge(path: string, patch: object): KubeResponse {
    return this.#merge(path, patch as JSONObject)
  }

  delete(path: string): void {
    this.#objects.delete(path)
  }

  #answer({ method, path, body }: KubeRequest): KubeResponse {
    const document = body === undefined ? {} : (JSON.parse(body) as JSONObject)
    switch (method) {
      case 'GET':
        return this.#get(path)
      case 'POST':
        return this.#create(path, document)
      case 'PATCH':
        return this.#merge(path, document)
      case 'DELETE':
        return this.#delete(path, document)
      default:
        throw new Error(`${method} ${path}: nobody does that`)
    }
  }

  #get(path: string): KubeResponse {
    const found = discovery.get(path) ?? this.#objects.get(path)
    return found === undefined ? answer(404, {}) : answer(200, found)
  }

  #create(collection: string, object: JSONObject): KubeResponse {
    const metadata = object.metadata as { readonly name: string }
    const path = `${collection}/${metadata.name}`
    if (this.#objects.has(path)) return answer(409, {})
    this.#changes += 1
    const stamps = { uid: `u-${this.#changes}`, resourceVersion: String(this.#changes) }
    const stored = { ...object, metadata: { namespace: 'default', ...metadata, ...stamps } }
    this.#objects.set(path, stored)
    return answer(201, stored)
  }

  #merge(path: string, patch: JSONObject): KubeResponse {
    const before = this.#objects.get(path)
    if (before === undefined) return answer(404, {})
    const { resourceVersion = before.metadata.resourceVersion } = (patch.metadata ?? {}) as {
      resourceVersion?: string
    }
    if (resourceVersion !== before.metadata.resourceVersion) return answer(409, {})
    this.#changes += 1
    const after = merged(before, patch) as StoredObject
    const metadata = { ...after.metadata, resourceVersion: String(this.#changes) }
    const stored = { ...after, metadata }
    this.#objects.set(path, stored)
    return answer(200, stored)
  }

  #delete(path: string, { preconditions }: JSONObject): KubeResponse {
    const before = this.#objects.get(path)
    if (before === undefined) return answer(404, {})
    const wanted = (preconditions ?? {}) as { uid?: string; resourceVersion?: string }
    const { uid, resourceVersion } = before.metadata
    const isSame =
      (wanted.uid ?? uid) === uid && (wanted.resourceVersion ?? resourceVersion) === resourceVersion
    if (!isSame) return answer(409, {})
    this.#objects.delete(path)
    return answer(200, {})
  }
}
