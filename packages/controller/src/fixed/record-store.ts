/**
 * Reads and writes records of fixed addresses on the API. Every write is a merge patch of only the
 * keys it means, at the version that was read: a person may be editing the same object, and pods
 * that start write keys of their own.
 */
import { fixedIPRecordLabels, fixedIPRecordMetadata } from '@hc-calico/crd-types/harmonycloud'
import type { KubeClient, KubeRequest, KubeResponse } from '@hc-calico/kube-client'
import type { RecordData } from '../decisions/fixed-record.ts'

export interface SetName {
  readonly namespace: string
  readonly set: string
}

export interface StoredRecord {
  readonly uid: string
  readonly resourceVersion: string
  /** Found by those who look for records; one that a person made may lack the label. */
  readonly isLabelled: boolean
  readonly data: RecordData
  readonly annotations: RecordData
}

/** Null takes a key out. */
type Changes = Readonly<Record<string, string | null>>

export interface RecordChange {
  readonly data?: Changes
  readonly annotations?: Changes
}

export type Written =
  | { readonly tag: 'Written' | 'Unchanged'; readonly record: StoredRecord | undefined }
  /** The namespace is not there, or about to go. */
  | { readonly tag: 'NoNamespace' }

/** A namespace in deletion refuses new objects with 403, one that is gone with 404. */
const attemptsMax = 5

interface ConfigMap {
  readonly metadata?: {
    readonly uid?: string
    readonly resourceVersion?: string
    readonly labels?: RecordData
    readonly annotations?: RecordData
  }
  readonly data?: RecordData | null
}

const recordOf = (text: string): StoredRecord => {
  const { metadata = {}, data } = JSON.parse(text) as ConfigMap
  const { uid = '', resourceVersion = '', labels = {}, annotations = {} } = metadata
  const isLabelled = labels[fixedIPRecordLabels.marker] === 'true'
  return { uid, resourceVersion, isLabelled, data: data ?? {}, annotations }
}

const collection = (namespace: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`

const pathOf = ({ namespace, set }: SetName): string =>
  `${collection(namespace)}/${encodeURIComponent(fixedIPRecordMetadata(set).name)}`

const refusal = (what: string, { set, namespace }: SetName, response: KubeResponse): Error =>
  new Error(
    `the record of ${namespace}/${set} cannot be ${what}: status ${response.status}: ${response.text.slice(0, 300)}`,
  )

export const readRecord = async (
  client: KubeClient,
  name: SetName,
): Promise<StoredRecord | undefined> => {
  const response = await client.request({ method: 'GET', path: pathOf(name) })
  if (response.status === 404) return undefined
  if (response.status !== 200) throw refusal('read', name, response)
  return recordOf(response.text)
}

const present = (changes: Changes = {}): RecordData =>
  Object.fromEntries(
    Object.entries(changes).filter((pair): pair is [string, string] => pair[1] !== null),
  )

const creation = (name: SetName, { data, annotations }: RecordChange): KubeRequest => {
  const metadata = fixedIPRecordMetadata(name.set)
  const body = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...present(annotations) } },
    data: present(data),
  })
  return { method: 'POST', path: collection(name.namespace), body }
}

const patch = (name: SetName, before: StoredRecord, change: RecordChange): KubeRequest => {
  const { labels, annotations } = fixedIPRecordMetadata(name.set)
  const body = JSON.stringify({
    metadata: {
      resourceVersion: before.resourceVersion,
      ...(before.isLabelled ? {} : { labels }),
      annotations: { ...(before.isLabelled ? {} : annotations), ...change.annotations },
    },
    ...(change.data === undefined ? {} : { data: change.data }),
  })
  const contentType = 'application/merge-patch+json'
  return { method: 'PATCH', path: pathOf(name), body, contentType }
}

const differs = (before: RecordData, changes: Changes = {}): boolean =>
  Object.entries(changes).some(([key, value]) => (before[key] ?? null) !== value)

const isNeeded = (before: StoredRecord | undefined, change: RecordChange): boolean => {
  if (before === undefined) return Object.keys(present(change.data)).length > 0
  return differs(before.data, change.data) || differs(before.annotations, change.annotations)
}

const isNamespaceGone = ({ status, text }: KubeResponse): boolean =>
  status === 404 || (status === 403 && text.includes('being terminated'))

/**
 * Changes a record as it is now: `decide` is asked with what was read just before, and asked again
 * when somebody else was faster. A record that is not there is made, if there are keys to write.
 */
export const changeRecord = async (
  client: KubeClient,
  name: SetName,
  decide: (before: StoredRecord | undefined) => Promise<RecordChange> | RecordChange,
): Promise<Written> => {
  for (let attempt = 1; ; attempt += 1) {
    const before = await readRecord(client, name)
    const change = await decide(before)
    if (!isNeeded(before, change)) return { tag: 'Unchanged', record: before }
    const request = before === undefined ? creation(name, change) : patch(name, before, change)
    const response = await client.request(request)
    if (response.status < 300) return { tag: 'Written', record: recordOf(response.text) }
    if (before === undefined && isNamespaceGone(response)) return { tag: 'NoNamespace' }
    const isRace = response.status === 409 || response.status === 404
    if (!isRace || attempt === attemptsMax) throw refusal('written', name, response)
  }
}

/** Deletes a record that is still as it was read. What may not be deleted does no harm. */
export const deleteRecord = async (
  client: KubeClient,
  name: SetName,
  { uid, resourceVersion }: StoredRecord,
): Promise<void> => {
  const body = JSON.stringify({ preconditions: { uid, resourceVersion } })
  const response = await client.request({ method: 'DELETE', path: pathOf(name), body })
  if (response.status >= 300 && ![403, 404, 409].includes(response.status)) {
    throw refusal('deleted', name, response)
  }
}
