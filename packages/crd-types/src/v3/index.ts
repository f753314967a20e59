/** Calico's custom resources of the group projectcalico.org/v3, by kind. */
import { apiDocument } from '../documents/api-document.ts'
import type { APIDocuments } from '../documents/document.ts'
import { blockAffinity } from './block-affinity.ts'
import { clusterInformation } from './cluster-information.ts'
import { ipPool } from './ip-pool.ts'
import { ipReservation } from './ip-reservation.ts'
import { ipamBlock } from './ipam-block.ts'
import { ipamConfig } from './ipam-config.ts'
import { ipamHandle } from './ipam-handle.ts'

export { isTombstone } from '../documents/api-document.ts'
export type { APIDocument, APIDocuments, APIKind, APITarget } from '../documents/document.ts'

const apiVersion = 'projectcalico.org/v3'

export const v3Documents: APIDocuments = {
  IPPool: apiDocument(ipPool, apiVersion),
  IPReservation: apiDocument(ipReservation, apiVersion),
  IPAMConfig: apiDocument(ipamConfig('IPAMConfiguration', true), apiVersion),
  Block: apiDocument(ipamBlock, apiVersion),
  BlockAffinity: apiDocument(
    blockAffinity((deleted) => deleted),
    apiVersion,
  ),
  Handle: apiDocument(ipamHandle, apiVersion),
  ClusterInformation: apiDocument(clusterInformation, apiVersion),
}
