/**
 * Calico's custom resources of the group crd.projectcalico.org/v1, by kind. They differ from
 * projectcalico.org/v3 in two places only: the name of the configuration's kind, whose schema has
 * no defaults here, and an affinity's `deleted`, which is the text "true" or "false".
 */
import { apiDocument } from '../documents/api-document.ts'
import type { APIDocuments } from '../documents/document.ts'
import { blockAffinity } from '../v3/block-affinity.ts'
import { clusterInformation } from '../v3/cluster-information.ts'
import { ipPool } from '../v3/ip-pool.ts'
import { ipReservation } from '../v3/ip-reservation.ts'
import { ipamBlock } from '../v3/ipam-block.ts'
import { ipamConfig } from '../v3/ipam-config.ts'
import { ipamHandle } from '../v3/ipam-handle.ts'

export { isTombstone } from '../documents/api-document.ts'
export type { APIDocument, APIDocuments, APIKind, APITarget } from '../documents/document.ts'

const apiVersion = 'crd.projectcalico.org/v1'

export const v1Documents: APIDocuments = {
  IPPool: apiDocument(ipPool, apiVersion),
  IPReservation: apiDocument(ipReservation, apiVersion),
  IPAMConfig: apiDocument(ipamConfig('IPAMConfig', false), apiVersion),
  Block: apiDocument(ipamBlock, apiVersion),
  BlockAffinity: apiDocument(
    blockAffinity((deleted) => String(deleted)),
    apiVersion,
  ),
  Handle: apiDocument(ipamHandle, apiVersion),
  ClusterInformation: apiDocument(clusterInformation, apiVersion),
}
