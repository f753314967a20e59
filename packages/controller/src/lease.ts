/** The Lease that replicas compete for, on the API: read it, and write it at the version read. */
import { type KubeClient, type KubeResponse, KubeUnreachable } from '@hc-calico/kube-client'
import type { LeaseRecord } from './decisions/leader-election.ts'

export interface LeaseName {
  readonly namespace: string
  readonly name: string
}

/** What a write asks for. */
export interface LeaseContent {
  readonly holder: string
  readonly transitions: number
  /** For people and other tools; nobody of ours computes with it. */
  readonly durationMs: number
  readonly nowMs: number
}

interface LeaseObject {
  readonly metadata?: { readonly resourceVersion?: string; readonly [field: string]: unknown }
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseTransitions?: number
    readonly acquireTime?: string
  }
}

/** A lease as read, with the object to write back: fields of others survive. */
export interface ReadLease {
  readonly record: LeaseRecord
  readonly object: LeaseObject
}

const collection = ({ namespace }: LeaseName): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`

/** Times of a Lease have microseconds. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

const refusal = (what: string, { status, text }: KubeResponse): Error =>
  new Error(`the lease cannot be ${what}: status ${status}: ${text.slice(0, 300)}`)

const readLeaseObject = (text: string): ReadLease => {
  const object = JSON.parse(text) as LeaseObject
  const { holderIdentity = '', leaseTransitions = 0 } = object.spec ?? {}
  const version = object.metadata?.resourceVersion ?? ''
  return { object, record: { version, holder: holderIdentity, transitions: leaseTransitions } }
}

/** Undefined where there is none. Rejects when nothing was learnt. */
export const readLease = async (
  client: KubeClient,
  name: LeaseName,
): Promise<ReadLease | undefined> => {
  const path = `${collection(name)}/${name.name}`
  const response = await client.request({ method: 'GET', path })
  if (response.status === 404) return undefined
  if (response.status !== 200) throw refusal('read', response)
  return readLeaseObject(response.text)
}

const specOf = (content: LeaseContent, before: LeaseObject['spec'] = {}) => {
  const { holder, transitions, durationMs, nowMs } = content
  const isNew = before.holderIdentity !== holder
  return {
    ...before,
    holderIdentity: holder,
    leaseTransitions: transitions,
    leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
    renewTime: microTime(nowMs),
    acquireTime: isNew ? microTime(nowMs) : before.acquireTime,
  }
}

/**
 * Creates the lease, or updates what was read. Undefined: somebody else was faster, or nobody
 * knows (the answer was lost): read again.
 */
export const writeLease = async (
  client: KubeClient,
  name: LeaseName,
  content: LeaseContent,
  before: ReadLease | undefined,
): Promise<LeaseRecord | undefined> => {
  const metadata = before?.object.metadata ?? { name: name.name, namespace: name.namespace }
  const body = JSON.stringify({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata,
    spec: specOf(content, before?.object.spec),
  })
  const path = collection(name)
  const request =
    before === undefined
      ? ({ method: 'POST', path, body } as const)
      : ({ method: 'PUT', path: `${path}/${name.name}`, body } as const)
  try {
    const response = await client.request(request)
    if (response.status === 409 || response.status === 404) return undefined
    if (response.status >= 300) throw refusal('written', response)
    return readLeaseObject(response.text).record
  } catch (thrown) {
    if (thrown instanceof KubeUnreachable && thrown.maybeApplied) return undefined
    throw thrown
  }
}
