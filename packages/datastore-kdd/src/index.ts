/** The HC-Calico datastore on the Kubernetes API, in Calico's custom resources. */
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client/lean'
import { API } from './api.ts'
import type { APIGroup } from './api-groups.ts'
import { datastoreOn } from './datastore.ts'

export type { APIGroup } from './api-groups.ts'

export interface KubernetesDatastoreOptions {
  /** Of @hc-calico/kube-client, or of its entry `./lean`. Closed with the datastore. */
  readonly client: KubeClient
  /** Calico's API group. Default: crd.projectcalico.org/v1, or the other where only that is served. */
  readonly apiGroup?: APIGroup
}

export const createKubernetesDatastore = ({
  client,
  apiGroup,
}: KubernetesDatastoreOptions): Datastore => datastoreOn(new API(client, apiGroup))
