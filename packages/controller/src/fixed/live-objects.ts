/**
 * What the API server says at this very moment, not what a cache remembers: asked right before
 * something is taken away. A server that cannot say for certain makes these reject, and then nothing
 * is taken.
 */
import type { KubeClient, KubeResponse } from '@hc-calico/kube-client'
import { createIntern } from '../sources/interned.ts'
import type { KubeObject } from '../sources/kube-source.ts'
import { type PodFacts, podsResource } from '../sources/pods.ts'
import { readSet, type StatefulSetFacts } from '../sources/stateful-sets.ts'

const refusal = (path: string, { status, text }: KubeResponse): Error =>
  new Error(`${path}: status ${status}: ${text.slice(0, 300)}`)

/** Undefined: there is none. */
const get = async (client: KubeClient, path: string): Promise<KubeObject | undefined> => {
  const response = await client.request({ method: 'GET', path })
  if (response.status === 404) return undefined
  if (response.status !== 200) throw refusal(path, response)
  return JSON.parse(response.text) as KubeObject
}

const { read: readPod } = podsResource(createIntern())

export const livePod = async (
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<PodFacts | undefined> => {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`
  const object = await get(client, path)
  return object === undefined ? undefined : readPod(object)?.[1]
}

/** By its name in Kubernetes. */
export const isLiveNode = async (client: KubeClient, name: string): Promise<boolean> =>
  (await get(client, `/api/v1/nodes/${encodeURIComponent(name)}`)) !== undefined

/** An API that has sets: `apps/v1`, and whatever else serves a kind StatefulSet. */
export interface SetAPI {
  readonly apiVersion: string
  readonly resource: string
}

interface GroupList extends KubeObject {
  readonly groups?: ReadonlyArray<{
    readonly preferredVersion?: { readonly groupVersion?: string }
  }>
}
interface ResourceList extends KubeObject {
  readonly resources?: ReadonlyArray<{ readonly name?: string; readonly kind?: string }>
}

/**
 * Every API that serves StatefulSets now. A group whose server is away (503: an aggregated one; none
 * of these has sets) is passed over, or a broken metrics server would stop all retention.
 */
export const setAPIs = async (client: KubeClient): Promise<ReadonlyArray<SetAPI>> => {
  const { groups = [] } = ((await get(client, '/apis')) ?? {}) as GroupList
  const found: SetAPI[] = []
  for (const { preferredVersion } of groups) {
    const apiVersion = preferredVersion?.groupVersion
    if (apiVersion === undefined) continue
    const path = `/apis/${apiVersion}`
    const response = await client.request({ method: 'GET', path })
    if (response.status === 404 || response.status === 503) continue
    if (response.status !== 200) throw refusal(path, response)
    const { resources = [] } = JSON.parse(response.text) as ResourceList
    const sets = resources.find(
      ({ name = '/', kind }) => kind === 'StatefulSet' && !name.includes('/'),
    )
    if (sets?.name !== undefined) found.push({ apiVersion, resource: sets.name })
  }
  if (!found.some(({ apiVersion }) => apiVersion.startsWith('apps/'))) {
    throw new Error('the API server does not list StatefulSets among what it serves')
  }
  return found
}

/** The set of this name, of whichever API has one; undefined: none has. */
export const liveSet = async (
  client: KubeClient,
  apis: ReadonlyArray<SetAPI>,
  namespace: string,
  name: string,
): Promise<StatefulSetFacts | undefined> => {
  for (const { apiVersion, resource } of apis) {
    const path = `/apis/${apiVersion}/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`
    const object = await get(client, path)
    if (object !== undefined) return readSet(apiVersion)(object)[1]
  }
  return undefined
}
