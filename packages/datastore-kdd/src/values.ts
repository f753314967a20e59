/** Custom resources as objects of the port, and back. */
import { stringifyJSON } from '@hc-calico/crd-types/json'
import {
  DatastoreFailure,
  datastoreError,
  type Key,
  type KeyValue,
  keyText,
  type Values,
} from '@hc-calico/ipam-core/ports'
import { isLeft } from 'fp-ts/lib/Either.js'
import { type JSONObject, metadataOf, objectVersion } from './api.ts'
import type { ResourceType } from './api-groups.ts'
import { type CustomKind, resourceName } from './names.ts'
import { revisionOf } from './revisions.ts'

type CustomValue = Values[CustomKind]

/** What an object is about, by its own word; its name may be cut or lower-cased. */
const keyOfValue = (kind: CustomKind, value: CustomValue): Key<CustomKind> => {
  const fields = value as unknown as Readonly<Record<string, string>>
  switch (kind) {
    case 'Block':
      return { kind, cidr: fields.cidr as string }
    case 'BlockAffinity': {
      const { type, host, cidr } = value as Values['BlockAffinity']
      return { kind, type, host, cidr }
    }
    case 'Handle':
      return { kind, id: fields.id as string }
    case 'IPAMConfig':
    case 'ClusterInformation':
      return { kind }
    default:
      return { kind, name: fields.name as string }
  }
}

/** Throws DatastoreFailure (Malformed) that names the object and the bad field. */
export const keyValueOf = (
  kind: CustomKind,
  { document, crd }: ResourceType,
  object: JSONObject,
): KeyValue<CustomKind> => {
  const decoded = document.decode(object)
  if (isLeft(decoded)) {
    const name = String(metadataOf(object).name)
    const message = `the stored ${document.kind} ${name} (${crd}) cannot be read: ${decoded.left}`
    throw new DatastoreFailure(datastoreError('Malformed', message))
  }
  const value = decoded.right as CustomValue
  return {
    key: keyOfValue(kind, value),
    value,
    revision: revisionOf(objectVersion(object)),
  } as KeyValue<CustomKind>
}

/** The body of a create, or with a resourceVersion of an update. */
export const bodyOf = (
  key: Key<CustomKind>,
  value: CustomValue,
  { document }: ResourceType,
  resourceVersion?: string,
): { readonly object: JSONObject; readonly text: string } => {
  const name = resourceName(key)
  const target = resourceVersion === undefined ? { name } : { name, resourceVersion }
  const object = document.encode(value, target)
  return { object, text: stringifyJSON(object) }
}

const isRecord = (value: unknown): value is JSONObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The path of the first field that was sent and is not in the answer. */
const firstMissing = (sent: unknown, stored: unknown, path: string): string | undefined => {
  if (Array.isArray(sent)) {
    const items = Array.isArray(stored) ? stored : []
    for (const [i, item] of sent.entries()) {
      const missing = firstMissing(item, items[i], `${path}[${i}]`)
      if (missing !== undefined) return missing
    }
    return undefined
  }
  if (!isRecord(sent)) return undefined
  if (!isRecord(stored)) return path
  for (const [name, value] of Object.entries(sent)) {
    if (value === undefined || value === null) continue
    const inner = `${path}.${name}`
    if (!(name in stored)) return inner
    const missing = firstMissing(value, stored[name], inner)
    if (missing !== undefined) return missing
  }
  return undefined
}

/**
 * A definition that is older than our documents makes the server drop fields without a word; then
 * an address could be given out twice. Throws DatastoreFailure (Malformed) that names the field.
 */
export const requireNothingPruned = (
  key: Key,
  crd: string,
  sent: JSONObject,
  stored: JSONObject,
): void => {
  const missing = firstMissing(sent.spec, stored.spec, 'spec')
  if (missing === undefined) return
  const message = `the API server dropped ${missing} of ${keyText(key)}: the CustomResourceDefinition ${crd} is older than what is stored; apply the newer one`
  throw new DatastoreFailure(datastoreError('Malformed', message, { key }))
}
