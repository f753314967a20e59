/** Answering queries: parallel requests, one for each, because the API has no batched read. */
import { hostnameHash } from '@hc-calico/crd-types'
import { decodeNode } from '@hc-calico/crd-types/core'
import {
  type CallOptions,
  DatastoreFailure,
  datastoreError,
  type Get,
  type Key,
  type KeyValue,
  type List,
  matchesFilter,
  type Query,
} from '@hc-calico/ipam-core/ports'
import { isLeft } from 'fp-ts/lib/Either.js'
import { type API, type JSONObject, objectVersion } from './api.ts'
import { getEndpoint, listEndpoints } from './endpoints.ts'
import { type CustomKind, resourceName } from './names.ts'
import { revisionOf } from './revisions.ts'
import { withoutTombstones } from './tombstones.ts'
import { keyValueOf } from './values.ts'

const nodeOf = (object: JSONObject): KeyValue<'Node'> => {
  const decoded = decodeNode(object)
  if (isLeft(decoded)) {
    const message = `a node cannot be read: ${decoded.left}`
    throw new DatastoreFailure(datastoreError('Malformed', message))
  }
  const { name, labels } = decoded.right
  const key = { kind: 'Node', name } as const
  return { key, value: { name, labels }, revision: revisionOf(objectVersion(object)) }
}

export { nodeOf }

const namespaceProfile = /^kns\.(.+)$/

/** Profiles are not stored: that of a namespace is there as long as the namespace is. */
const getProfile = async (
  api: API,
  { name }: Key<'Profile'>,
  options: CallOptions,
): Promise<KeyValue<'Profile'> | undefined> => {
  const namespace = namespaceProfile.exec(name)?.[1]
  if (namespace === undefined) return undefined
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}`
  const object = await api.get({ method: 'GET', path, ...options })
  if (object === undefined) return undefined
  const value = { name, labelsToApply: { 'pcns.projectcalico.org/name': namespace } }
  return { key: { kind: 'Profile', name }, value, revision: revisionOf(objectVersion(object)) }
}

const sameKey = (a: Key, b: Key): boolean => {
  const [left, right] = [a, b] as unknown as ReadonlyArray<Readonly<Record<string, unknown>>>
  return Object.keys(left ?? {}).every((field) => left?.[field] === right?.[field])
}

/** A custom resource; absent when it is marked as deleted, or is about something else of that name. */
export const getCustom = async (
  api: API,
  key: Key<CustomKind>,
  options: CallOptions,
): Promise<KeyValue<CustomKind> | undefined> => {
  const object = await api.getCustom(key.kind, resourceName(key), options)
  if (object === undefined) return undefined
  const [present] = await withoutTombstones(api, key.kind, [object], options)
  if (present === undefined) return undefined
  const found = keyValueOf(key.kind, api.typeOf(key.kind), present)
  return sameKey(key, found.key) ? found : undefined
}

export const getOne = (api: API, key: Key, options: CallOptions): Promise<KeyValue | undefined> => {
  switch (key.kind) {
    case 'Node':
      return api
        .get({ method: 'GET', path: `/api/v1/nodes/${encodeURIComponent(key.name)}`, ...options })
        .then((object) => (object === undefined ? undefined : nodeOf(object)))
    case 'WorkloadEndpoint':
      return getEndpoint(api, key, options)
    case 'Profile':
      return getProfile(api, key, options)
    default:
      return getCustom(api, key, options)
  }
}

/** Upstream's labels; affinities of before v3.31 have none until their host has relabelled them. */
const affinitySelector = (where: Extract<List, { list: 'BlockAffinity' }>['where'] & object) => {
  const { type, host, family } = where
  const terms = [
    ...(host === undefined ? [] : [`projectcalico.org/hostname-hash=${hostnameHash(host)}`]),
    ...(type === undefined ? [] : [`projectcalico.org/affinity-type=${type}`]),
    ...(family === undefined ? [] : [`projectcalico.org/ip-version=${family}`]),
  ]
  return terms.length === 0 ? {} : { labelSelector: terms.join(',') }
}

const listCustom = async (
  api: API,
  query: List<CustomKind>,
  options: CallOptions,
): Promise<ReadonlyArray<KeyValue>> => {
  const selector = query.list === 'BlockAffinity' ? affinitySelector(query.where ?? {}) : {}
  const { items } = await api.listCustom(query.list, new URLSearchParams(selector), options)
  const present = await withoutTombstones(api, query.list, items, options)
  const type = api.typeOf(query.list)
  return present
    .map((object) => keyValueOf(query.list, type, object))
    .filter(({ key }) => matchesFilter(key, query))
}

const listAll = async (
  api: API,
  query: List,
  options: CallOptions,
): Promise<ReadonlyArray<KeyValue>> => {
  switch (query.list) {
    case 'Node': {
      const { items } = await api.list('/api/v1/nodes', new URLSearchParams(), options)
      return items.map(nodeOf)
    }
    case 'WorkloadEndpoint':
      return listEndpoints(api, query.where ?? {}, options)
    case 'Profile':
      throw new DatastoreFailure(
        datastoreError(
          'Unsupported',
          'profiles are not stored on the Kubernetes API: get one by name',
        ),
      )
    default:
      return listCustom(api, query, options)
  }
}

export const answer = (
  api: API,
  query: Query,
  options: CallOptions,
): Promise<KeyValue | undefined | ReadonlyArray<KeyValue>> =>
  'get' in query ? getOne(api, (query as Get).get, options) : listAll(api, query, options)
