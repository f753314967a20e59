/** Where each kind lives in each of Calico's API groups, and how its objects are read and written. */
import { type APIDocument, type APIKind, isTombstone, v1Documents } from '@hc-calico/crd-types/v1'
import { v3Documents } from '@hc-calico/crd-types/v3'

export type APIGroup = 'crd.projectcalico.org/v1' | 'projectcalico.org/v3'

export { isTombstone }

const plurals: Readonly<Record<APIKind, string>> = {
  IPPool: 'ippools',
  IPReservation: 'ipreservations',
  IPAMConfig: 'ipamconfigs',
  Block: 'ipamblocks',
  BlockAffinity: 'blockaffinities',
  Handle: 'ipamhandles',
  ClusterInformation: 'clusterinformations',
}

export interface ResourceType {
  /** `/apis/{group}/{version}/{plural}`. */
  readonly path: string
  /** `{plural}.{group}`, the name of its CustomResourceDefinition. */
  readonly crd: string
  readonly document: APIDocument<unknown>
}

export const resourceType = (group: APIGroup, kind: APIKind): ResourceType => {
  const isV3 = group === 'projectcalico.org/v3'
  const plural = isV3 && kind === 'IPAMConfig' ? 'ipamconfigurations' : plurals[kind]
  const documents = isV3 ? v3Documents : v1Documents
  return {
    path: `/apis/${group}/${plural}`,
    crd: `${plural}.${group.split('/')[0]}`,
    document: documents[kind] as unknown as APIDocument<unknown>,
  }
}
