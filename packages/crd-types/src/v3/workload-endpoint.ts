/** WorkloadEndpoint as Calico stores it in etcd. */
import { right } from 'fp-ts/lib/Either.js'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { passThrough } from '../codecs/pass-through.ts'
import { isRecord, list, stringMap, text, wholeNumber } from '../codecs/primitives.ts'
import {
  type LeftOver,
  labelsAsWritten,
  omit,
  present,
  type ResourceRules,
} from '../documents/resource.ts'
import type { StringMap, UnknownFields, WorkloadEndpoint } from '../model.ts'
import { podUIDAnnotation } from '../pod-uid.ts'

const port = wholeNumber(0, 65535)

const optional = {
  orchestrator: text,
  workload: text,
  node: text,
  containerID: text,
  pod: text,
  endpoint: text,
  serviceAccountName: text,
  ipNetworks: list(text),
  ipNATs: list(passThrough({ internalIP: text, externalIP: text }, {})),
  profiles: list(text),
  interfaceName: text,
  mac: text,
  ports: list(passThrough({ name: text, protocol: text, port }, { hostPort: port, hostIP: text })),
  allowSpoofedSourcePrefixes: list(text),
}
type Spec = Open<NoFields, typeof optional>

const order = [
  'orchestrator',
  'workload',
  'node',
  'containerID',
  'pod',
  'endpoint',
  'serviceAccountName',
  'ipNetworks',
  'ipNATs',
  'ipv4Gateway',
  'ipv6Gateway',
  'profiles',
  'interfaceName',
  'mac',
  'ports',
  'allowSpoofedSourcePrefixes',
  'qosControls',
]

const stringMapIn = (metadata: UnknownFields, key: string): StringMap => {
  const value = metadata[key]
  return isRecord(value) ? (value as StringMap) : {}
}

/** The value's part of the metadata, and the rest of it. */
const splitMetadata = (metadata: UnknownFields) => {
  const { [podUIDAnnotation]: podUID, ...annotations } = stringMapIn(metadata, 'annotations')
  const { generateName } = metadata
  return {
    labels: stringMapIn(metadata, 'labels'),
    ...present('podUID', podUID),
    ...present('generateName', typeof generateName === 'string' ? generateName : undefined),
    rest: {
      ...omit(metadata, 'labels', 'generateName', 'annotations'),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
  }
}

const joinMetadata = (value: WorkloadEndpoint, { metadata }: LeftOver): UnknownFields => {
  const annotations = stringMap.encode({
    ...stringMapIn(metadata, 'annotations'),
    ...(value.podUID === undefined ? {} : { [podUIDAnnotation]: value.podUID }),
  }) as StringMap
  return {
    ...metadata,
    ...present('generateName', value.generateName),
    ...labelsAsWritten(value.labels),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  }
}

/** Go omits what is empty; reading puts the lists and names back that a value always has. */
const writtenSpec = (value: WorkloadEndpoint): Spec => {
  const fields = Object.keys(optional).map((key) => [key, value[key as keyof WorkloadEndpoint]])
  const written = fields.filter(([, field]) => {
    const length = typeof field === 'string' || Array.isArray(field) ? field.length : undefined
    return field !== undefined && length !== 0
  })
  return Object.fromEntries(written) as Spec
}

export const workloadEndpoint: ResourceRules<WorkloadEndpoint, Spec> = {
  kind: 'WorkloadEndpoint',
  spec: openObject({ required: {}, optional, order }),
  read: ({ unknownFields: _, ...spec }, { name, namespace = '' }, leftOver) => {
    const { rest, ...metadata } = splitMetadata(leftOver.metadata)
    const always = { orchestrator: '', node: '', endpoint: '', ipNetworks: [], profiles: [] }
    const value = { namespace, name, ...always, ...spec, ...metadata }
    return right({ value, leftOver: { ...leftOver, metadata: rest } })
  },
  write: (value, leftOver) => ({
    spec: writtenSpec(value),
    metadata: joinMetadata(value, leftOver),
  }),
}
