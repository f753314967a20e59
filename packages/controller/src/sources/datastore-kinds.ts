/** The smaller kinds of the datastore: what is kept of each. */
import type { Values } from '@hc-calico/ipam-core/ports'
import type { SeenHandle } from '../decisions/garbage-model.ts'
import type { DatastoreKind } from './datastore-source.ts'

/** Pools and reservations are few and small: kept whole. By name. */
export const poolsKind: DatastoreKind<'IPPool', Values['IPPool']> = {
  kind: 'IPPool',
  keyOf: ({ name }) => name,
  keep: ({ value }) => value,
}

export const reservationsKind: DatastoreKind<'IPReservation', Values['IPReservation']> = {
  kind: 'IPReservation',
  keyOf: ({ name }) => name,
  keep: ({ value }) => value,
}

/** By id. What a handle counts where is read again by whoever means to change it. */
export const handlesKind: DatastoreKind<'Handle', SeenHandle> = {
  kind: 'Handle',
  keyOf: ({ id }) => id,
  keep: ({ revision, value }) => ({
    revision,
    count: Object.values(value.blocks).reduce((sum, count) => sum + count, 0),
  }),
}

/** By `{type}:{host} {cidr}`. */
export const affinitiesKind: DatastoreKind<'BlockAffinity', Values['BlockAffinity']> = {
  kind: 'BlockAffinity',
  keyOf: ({ type, host, cidr }) => `${type}:${host} ${cidr}`,
  keep: ({ value }) => value,
}

export interface CalicoNodeFacts {
  readonly name: string
  /** Name of the node in Kubernetes; undefined: it belongs to no Kubernetes node. */
  readonly kubernetesName: string | undefined
}

interface OrchestratorReference {
  readonly orchestrator?: string
  readonly nodeName?: string
}

const kubernetesNameOf = ({ unknownFields }: Values['Node']): string | undefined => {
  const spec = (unknownFields as { readonly spec?: unknown } | undefined)?.spec
  const references = (spec as { readonly orchRefs?: unknown } | undefined)?.orchRefs
  if (!Array.isArray(references)) return undefined
  const found = (references as ReadonlyArray<OrchestratorReference>).find(
    ({ orchestrator }) => orchestrator === 'k8s',
  )
  return found?.nodeName
}

/** By Calico's name. */
export const calicoNodesKind: DatastoreKind<'Node', CalicoNodeFacts> = {
  kind: 'Node',
  keyOf: ({ name }) => name,
  keep: ({ value }) => ({ name: value.name, kubernetesName: kubernetesNameOf(value) }),
}
