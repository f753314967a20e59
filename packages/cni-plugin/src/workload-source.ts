/**
 * Port: what is known about a pod and its namespace beyond the call itself. Beside the datastore,
 * because with the etcd datastore these facts live in Kubernetes. Implemented here on what the
 * runtime passes with the call; an implementation on the Kubernetes API answers more of it.
 */
import type { ServiceIPPool } from '@hc-calico/crd-types/harmonycloud'
import type { FixedRecordStore } from './fixed-record.ts'
import type { Identity } from './identity.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

export interface ContainerPort {
  readonly name: string
  readonly protocol: string
  readonly port: number
  readonly hostPort?: number
  readonly hostIP?: string
}

export interface PodFacts {
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly ownerReferences: ReadonlyArray<OwnerReference>
  /** Somebody who knows has said who owns the pod; absent: nobody was asked. */
  readonly ownersKnown?: true
  readonly ports: ReadonlyArray<ContainerPort>
  readonly uid?: string
  readonly generateName?: string
  readonly serviceAccountName?: string
}

export interface NamespaceFacts {
  readonly annotations: Readonly<Record<string, string>>
  /** Absent when nobody told us: a pool's namespace selector then sees no labels. */
  readonly labels?: Readonly<Record<string, string>>
}

export interface WorkloadFacts {
  readonly pod: PodFacts
  readonly namespace: NamespaceFacts
}

/** Nobody's pod: what the configuration alone decides. */
export const unknownWorkload: WorkloadFacts = {
  pod: { annotations: {}, labels: {}, ownerReferences: [], ports: [] },
  namespace: { annotations: {} },
}

export interface WorkloadSource {
  /** Facts about the pod of this call. Rejects with CNIFailure when a source that knows fails. */
  lookUp(identity: Identity): Promise<WorkloadFacts>
  /** A service pool; undefined when there is none of this name in the namespace. */
  servicePool(namespace: string, name: string): Promise<ServiceIPPool | undefined>
  /** The records of fixed addresses; absent where nobody keeps any. */
  readonly fixedRecords?: FixedRecordStore
  /** The pod CIDRs of a node, as Kubernetes gave them; rejects with CNIFailure where nobody knows. */
  podCIDRs(node: string): Promise<ReadonlyArray<string>>
}

/** Knows what the runtime put into the call: the pod's annotations (a CNI capability). */
export const runtimeWorkloadSource = (
  podAnnotations: Readonly<Record<string, string>>,
  servicePools: ReadonlyArray<ServiceIPPool> = [],
): WorkloadSource => ({
  // The configuration's service pools are in no namespace.
  servicePool: async (_, name) => servicePools.find((one) => one.name === name),
  lookUp: async (identity) => ({
    ...unknownWorkload,
    pod: {
      ...unknownWorkload.pod,
      annotations: podAnnotations,
      ...(identity.podUID === undefined ? {} : { uid: identity.podUID }),
    },
  }),
  podCIDRs: async () => {
    throw new CNIFailure(
      cniErrorCode.invalidNetworkConfig,
      'ipam.subnet "usePodCidr" stands for the pod CIDR of the Kubernetes object of this node, and this plugin has no access to the Kubernetes API here: set kubernetes.kubeconfig, write the CIDR itself, or use ipam.type "hc-calico-ipam"',
    )
  },
})
