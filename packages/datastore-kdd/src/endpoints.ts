/**
 * Workload endpoints, which on the Kubernetes API are the pods themselves: the addresses and the
 * container stand in annotations of the pod, everything else follows from it. A write is a JSON
 * patch of pods/status that tests the pod's uid and the annotations as they were read, so that it
 * fails when another container took the pod over, and not when the kubelet wrote a status.
 */
import {
  containerIDAnnotation,
  decodePod,
  deletedEndpointAnnotations,
  endpointAnnotations,
  isWorkload,
  type KubernetesPod,
  podIPAnnotation,
  podIPsAnnotation,
  workloadEndpointOf,
} from '@hc-calico/crd-types/core'
import {
  type CallOptions,
  DatastoreFailure,
  datastoreError,
  type Key,
  type KeyValue,
  keyText,
  type List,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import type { KubeRequest } from '@hc-calico/kube-client/lean'
import { isLeft } from 'fp-ts/lib/Either.js'
import { type API, type JSONObject, metadataOf } from './api.ts'
import { endpointParts } from './names.ts'

type EndpointKey = Key<'WorkloadEndpoint'>
type EndpointWrite = Write<'WorkloadEndpoint'>

const ours = [podIPAnnotation, podIPsAnnotation, containerIDAnnotation] as const

/** What a write depends on: the pod, and our annotations as they were. */
interface SeenPod {
  readonly uid: string
  readonly hasAnnotations: boolean
  /** In the order of `ours`; null: not there. */
  readonly values: ReadonlyArray<string | null>
}

const revisionOf = (pod: KubernetesPod, object: JSONObject): Revision => {
  const annotations = metadataOf(object).annotations as Readonly<Record<string, string>> | undefined
  const seen: SeenPod = {
    uid: pod.uid ?? '',
    hasAnnotations: annotations !== undefined,
    values: ours.map((name) => annotations?.[name] ?? null),
  }
  return JSON.stringify(seen) as Revision
}

const interfaceSuffixLength = 11

/** Calico's name of a pod's interface on the host. */
const interfaceNameOf = ({ namespace, name }: KubernetesPod): string => {
  // Not imported: a bundler would have every one-shot program load it at its start.
  const digest = process
    .getBuiltinModule('node:crypto')
    .createHash('sha1')
    .update(`${namespace}.${name}`)
    .digest('hex')
  return `cali${digest.slice(0, interfaceSuffixLength)}`
}

const podOf = (object: JSONObject): KubernetesPod => {
  const decoded = decodePod(object)
  if (isLeft(decoded)) {
    const message = `a pod cannot be read: ${decoded.left}`
    throw new DatastoreFailure(datastoreError('Malformed', message))
  }
  return decoded.right
}

const endpointOf = (object: JSONObject, pod: KubernetesPod): KeyValue<'WorkloadEndpoint'> => {
  const value = workloadEndpointOf(pod, interfaceNameOf(pod))
  const { namespace, name } = value
  return {
    key: { kind: 'WorkloadEndpoint', namespace, name },
    value,
    revision: revisionOf(pod, object),
  }
}

const podPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`

/** The endpoint of a pod asked for by name: there as soon as the pod is scheduled. */
const endpointOfPod = async (
  api: API,
  namespace: string,
  pod: string,
  options: CallOptions,
): Promise<KeyValue<'WorkloadEndpoint'> | undefined> => {
  const request: KubeRequest = { method: 'GET', path: podPath(namespace, pod), ...options }
  const object = await api.get(request)
  if (object === undefined) return undefined
  const found = podOf(object)
  return found.nodeName === undefined || found.hostNetwork ? undefined : endpointOf(object, found)
}

export const getEndpoint = async (
  api: API,
  key: EndpointKey,
  options: CallOptions,
): Promise<KeyValue<'WorkloadEndpoint'> | undefined> => {
  const parts = endpointParts(key.name)
  if (parts === undefined || parts.orchestrator !== 'k8s') return undefined
  const found = await endpointOfPod(api, key.namespace, parts.pod, options)
  // The one endpoint of a pod answers to every interface name: that is not recorded.
  return found?.value.node === parts.node ? { ...found, key } : undefined
}

/** A prefix that names a pod costs a get of that pod, for which the plugin has the permission. */
export const listEndpoints = async (
  api: API,
  where: Extract<List, { list: 'WorkloadEndpoint' }>['where'] & object,
  options: CallOptions,
): Promise<ReadonlyArray<KeyValue<'WorkloadEndpoint'>>> => {
  const { namespace, namePrefix = '' } = where
  const parts = namePrefix.endsWith('-') ? endpointParts(namePrefix) : undefined
  if (namespace !== undefined && parts !== undefined) {
    if (parts.orchestrator !== 'k8s') return []
    const found = await endpointOfPod(api, namespace, parts.pod, options)
    return found?.value.node === parts.node ? [found] : []
  }
  const path = namespace === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`
  const { items } = await api.list(path, new URLSearchParams(), options)
  return items
    .map((object) => ({ object, pod: podOf(object) }))
    .filter(({ pod }) => isWorkload(pod))
    .map(({ object, pod }) => endpointOf(object, pod))
    .filter(({ value }) => value.name.startsWith(namePrefix))
}

/** A pod of a watch or list as an endpoint; undefined for one that is none. */
export const endpointOfObject = (object: JSONObject): KeyValue<'WorkloadEndpoint'> | undefined => {
  const pod = podOf(object)
  return isWorkload(pod) ? endpointOf(object, pod) : undefined
}

const seenIn = (revision: Revision, key: EndpointKey): SeenPod => {
  try {
    return JSON.parse(revision) as SeenPod
  } catch {
    const message = `"${revision}" is not a revision of ${keyText(key)}`
    throw new DatastoreFailure(datastoreError('Malformed', message, { key }))
  }
}

const pointer = (annotation: string): string =>
  `/metadata/annotations/${annotation.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The patch: everything as it was seen, then the new values. */
const patchOf = (seen: SeenPod, next: Readonly<Record<string, string>>): string => {
  const tests = seen.hasAnnotations
    ? ours.map((name, i) => ({ op: 'test', path: pointer(name), value: seen.values[i] ?? null }))
    : [
        { op: 'test', path: '/metadata/annotations', value: null },
        { op: 'add', path: '/metadata/annotations', value: {} },
      ]
  const changes = Object.entries(next).map(([name, value]) => ({
    op: 'add',
    path: pointer(name),
    value,
  }))
  return JSON.stringify([
    { op: 'test', path: '/metadata/uid', value: seen.uid },
    ...tests,
    ...changes,
  ])
}

export interface EndpointPatch {
  readonly request: KubeRequest
}

/**
 * The request for a write. A create finds no endpoint to change: there is no such pod, or it is not
 * scheduled yet; then the write is refused (undefined).
 */
export const endpointRequest = (
  write: EndpointWrite,
  options: CallOptions,
): KubeRequest | undefined => {
  const pod = endpointParts(write.key.name)?.pod
  if (write.op === 'create' || pod === undefined) return undefined
  const next = write.op === 'update' ? endpointAnnotations(write.value) : deletedEndpointAnnotations
  return {
    method: 'PATCH',
    path: `${podPath(write.key.namespace, pod)}/status`,
    contentType: 'application/json-patch+json',
    body: patchOf(seenIn(write.revision, write.key), next),
    ...options,
  }
}

/** The revision of the pod an accepted patch answered with. */
export const revisionAfter = (object: JSONObject): Revision => revisionOf(podOf(object), object)
