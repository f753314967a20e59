/**
 * The resource shape `{ apiVersion, kind, metadata, spec, status }`, shared by Calico's v3 values
 * in etcd and by the custom resources of both API groups. A kind says how its spec becomes a plain
 * value and back; everything else of the resource travels in `unknownFields` as
 * `{ metadata?, spec?, status?, ... }`, so that uid, labels, annotations, ownerReferences and
 * whatever comes later survive a read-modify-write.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { inOrder, openObject } from '../codecs/open-object.ts'
import { anything, isRecord, oneOf, stringMap, text } from '../codecs/primitives.ts'
import type { StringMap, UnknownFields } from '../model.ts'
import { decodeWith, sentence } from '../report.ts'
import type { APITarget } from './document.ts'

/** Order of Go's ObjectMeta. */
const metadataOrder = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
]

/** Set by an API server; meaningless, and refused or ignored, in an object to be created. */
const serverMetadata = [
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
]

const metadataFields = openObject({
  required: {},
  optional: { name: text, namespace: text, labels: stringMap, annotations: stringMap },
})

/** What the value of a resource does not carry itself. */
export interface LeftOver {
  readonly metadata: UnknownFields
  readonly spec: UnknownFields
  readonly status?: unknown
}

export interface ResourceName {
  readonly name: string
  readonly namespace?: string
}

export interface WithUnknown {
  readonly unknownFields?: UnknownFields
}

/** How one kind reads and writes its resource. */
export interface ResourceRules<Value extends WithUnknown, Spec extends WithUnknown> {
  readonly kind: string
  readonly spec: t.Type<Spec, UnknownFields>
  /** The value and what it leaves over; `leftOver` is passed in without name and namespace. */
  readonly read: (
    spec: Spec,
    name: ResourceName,
    leftOver: LeftOver,
  ) => Either<string, { readonly value: Value; readonly leftOver: LeftOver }>
  /**
   * The spec, and those other parts that differ from `leftOver`, which is what was left over when
   * the value was read. The spec's own left-over fields are added unless it brings its own.
   */
  readonly write: (
    value: Value,
    leftOver: LeftOver,
  ) => { readonly spec: Spec; readonly metadata?: UnknownFields; readonly status?: unknown }
}

/** One kind in one API group. */
export interface Resource<Value> {
  readonly apiVersion: string
  readonly kind: string
  /** Without a key the name is the document's own. */
  readonly decode: (document: unknown, key?: ResourceName) => Either<string, Value>
  readonly encode: (value: Value, name: ResourceName) => UnknownFields
}

export const omit = (record: UnknownFields, ...keys: ReadonlyArray<string>): UnknownFields =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)))

/** `{ unknownFields }`, or nothing when there are none. */
export const carried = (fields: UnknownFields): WithUnknown =>
  Object.keys(fields).length === 0 ? {} : { unknownFields: fields }

/** The parts of a resource that hold something; metadata and spec are written in any case. */
const filledParts = (parts: UnknownFields): UnknownFields => {
  const empty = Object.keys(parts).filter((key) => {
    const part = parts[key]
    const written = key === 'metadata' || key === 'spec'
    return part === undefined || (written && isRecord(part) && Object.keys(part).length === 0)
  })
  return omit(parts, ...empty)
}

const asRecord = (value: unknown): UnknownFields => (isRecord(value) ? value : {})

const withSpec = (document: unknown): unknown =>
  isRecord(document) && (document.spec ?? null) === null ? { ...document, spec: {} } : document

export const resource = <Value extends WithUnknown, Spec extends WithUnknown>(
  rules: ResourceRules<Value, Spec>,
  apiVersion: string,
): Resource<Value> => {
  const shape = openObject({
    required: { spec: rules.spec },
    optional: {
      kind: oneOf(rules.kind),
      apiVersion: oneOf(apiVersion),
      metadata: metadataFields,
      status: anything,
    },
    order: ['kind', 'apiVersion', 'metadata', 'spec', 'status'],
  })
  return {
    apiVersion,
    kind: rules.kind,
    decode: (document, key) => {
      const decoded = decodeWith(shape, withSpec(document))
      if (isLeft(decoded)) return decoded
      const { spec, status, metadata = {}, unknownFields: rest } = decoded.right
      const name = key ?? ownName(metadata)
      if (name === undefined) return left(sentence('metadata.name', 'a string', undefined))
      const { unknownFields: other, ...known } = metadata
      const read = rules.read(spec, name, {
        metadata: omit({ ...known, ...other }, 'name', 'namespace'),
        spec: spec.unknownFields ?? {},
        status,
      })
      if (isLeft(read)) return read
      const { value, leftOver } = read.right
      return right({ ...value, ...carried(filledParts({ ...rest, ...leftOver })) })
    },
    encode: (value, name) => {
      const { metadata, spec, status, ...rest } = value.unknownFields ?? {}
      const leftOver = { metadata: asRecord(metadata), spec: asRecord(spec), status }
      const written = { ...leftOver, ...rules.write(value, leftOver) }
      return {
        kind: rules.kind,
        apiVersion,
        metadata: inOrder({ ...written.metadata, ...name }, metadataOrder),
        spec: rules.spec.encode({ unknownFields: leftOver.spec, ...written.spec }),
        ...present('status', written.status),
        ...rest,
      }
    },
  }
}

const ownName = (metadata: Partial<ResourceName>): ResourceName | undefined => {
  const { name, namespace } = metadata
  return name === undefined ? undefined : { name, ...present('namespace', namespace) }
}

/** `{ [key]: value }`, or nothing when the value is undefined. */
export const present = <K extends string, V>(
  key: K,
  value: V | undefined,
): { readonly [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V })

/** Labels as metadata holds them: sorted, and absent when there are none. */
export const labelsAsWritten = (labels: StringMap): { readonly labels?: StringMap } =>
  Object.keys(labels).length === 0 ? {} : { labels: stringMap.encode(labels) as StringMap }

/** Applies the difference between creating an object and writing over the one that was read. */
export const forTarget = (object: UnknownFields, target: APITarget): UnknownFields => {
  const metadata = asRecord(object.metadata)
  const { resourceVersion } = target
  const addressed =
    resourceVersion === undefined
      ? omit(metadata, ...serverMetadata)
      : inOrder({ ...metadata, resourceVersion }, metadataOrder)
  return { ...object, metadata: addressed }
}
