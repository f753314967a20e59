/**
 * The records of fixed addresses as ConfigMaps. One pod's keys are written by one merge patch, so
 * that pods of a set that start together never conflict; whoever comes first makes the object, and
 * who was a moment later patches it.
 */
import { fixedIPRecordMetadata } from '@hc-calico/crd-types/harmonycloud'
import type { KubeClient, KubeResponse } from '@hc-calico/kube-client/lean'
import { right } from 'fp-ts/lib/Either.js'
import type { FixedRecordStore } from './fixed-record.ts'
import {
  podRecordOf,
  type RecordChange,
  recordChange,
  type StoredRecord,
} from './fixed-record-config-map.ts'
import { fetchOptional, refusalOf } from './kubernetes-fetch.ts'

/** An object that comes and goes between two requests is given up after so many of them. */
const requestsMax = 4

interface ConfigMap {
  readonly metadata?: {
    readonly labels?: StoredRecord['labels'] | null
    readonly annotations?: StoredRecord['annotations'] | null
  }
  readonly data?: StoredRecord['data']
}

/** Never refused: whatever is odd in it is odd in one entry only. */
const storedRecord = (object: unknown) => {
  const { metadata, data } = object as ConfigMap
  const labels = metadata?.labels ?? {}
  return right({ labels, annotations: metadata?.annotations ?? {}, data })
}

const collection = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`

const pathOf = (namespace: string, set: string): string =>
  `${collection(namespace)}/${encodeURIComponent(fixedIPRecordMetadata(set).name)}`

const nameOf = (namespace: string, set: string): string =>
  `ConfigMap ${namespace}/${fixedIPRecordMetadata(set).name}`

const create = (
  client: KubeClient,
  namespace: string,
  set: string,
  { data }: RecordChange,
): Promise<KubeResponse> => {
  const metadata = { ...fixedIPRecordMetadata(set), namespace }
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  return client.request({ method: 'POST', path: collection(namespace), body })
}

const merge = (
  client: KubeClient,
  namespace: string,
  set: string,
  { data, metadata }: RecordChange,
): Promise<KubeResponse> =>
  client.request({
    method: 'PATCH',
    path: pathOf(namespace, set),
    body: JSON.stringify({ data, metadata }),
    contentType: 'application/merge-patch+json',
  })

const write = async (
  client: KubeClient,
  namespace: string,
  set: string,
  change: RecordChange,
): Promise<void> => {
  let verb: 'patch' | 'create' = change.isNew ? 'create' : 'patch'
  for (let requests = 0; requests < requestsMax; requests += 1) {
    const send = verb === 'patch' ? merge : create
    const response = await send(client, namespace, set, change)
    if (response.status < 300) return
    const isGone = verb === 'patch' && response.status === 404
    const isThere = verb === 'create' && response.status === 409
    if (!isGone && !isThere) throw new Error(refusalOf(response, verb, nameOf(namespace, set)))
    verb = isGone ? 'create' : 'patch'
  }
  throw new Error(`${nameOf(namespace, set)} is made and deleted all the time`)
}

export const kubernetesFixedRecords = (connected: () => Promise<KubeClient>): FixedRecordStore => ({
  read: async (namespace, set, pod) => {
    const what = nameOf(namespace, set)
    const path = pathOf(namespace, set)
    return podRecordOf(await fetchOptional(await connected(), path, what, storedRecord), pod)
  },
  write: async (namespace, set, pod, record, kept) => {
    const change = recordChange(set, pod, record, kept)
    if (change === undefined) return false
    await write(await connected(), namespace, set, change)
    return true
  },
})
