/** The metadata every Kubernetes object has, as far as it is read here. */
import { openObject } from '../codecs/open-object.ts'
import { flag, list, nonEmptyText, stringMap, text } from '../codecs/primitives.ts'
import { present } from '../documents/resource.ts'
import type { StringMap } from '../model.ts'

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

export interface ObjectFacts {
  readonly name: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly labels: StringMap
  readonly annotations: StringMap
}

const ownerReference = openObject({
  required: { apiVersion: text, kind: text, name: text, uid: text },
  optional: { controller: flag },
})

export const metadataFields = openObject({
  required: { name: nonEmptyText },
  optional: {
    namespace: text,
    generateName: text,
    uid: text,
    resourceVersion: text,
    deletionTimestamp: text,
    labels: stringMap,
    annotations: stringMap,
    ownerReferences: list(ownerReference),
  },
})

export const objectFacts = (metadata: Partial<ObjectFacts> & { name: string }): ObjectFacts => ({
  name: metadata.name,
  ...present('uid', metadata.uid),
  ...present('resourceVersion', metadata.resourceVersion),
  labels: metadata.labels ?? {},
  annotations: metadata.annotations ?? {},
})
