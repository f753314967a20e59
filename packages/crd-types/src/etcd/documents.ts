/** Every kind in Calico's etcd form, by kind. */
import type { EtcdDocument, EtcdDocuments } from '../documents/document.ts'
import {
  type ResourceName,
  type ResourceRules,
  resource,
  type WithUnknown,
} from '../documents/resource.ts'
import { clusterInformation } from '../v3/cluster-information.ts'
import { ipPool } from '../v3/ip-pool.ts'
import { ipReservation } from '../v3/ip-reservation.ts'
import { node } from '../v3/node.ts'
import { profile } from '../v3/profile.ts'
import { workloadEndpoint } from '../v3/workload-endpoint.ts'
import { block } from './block.ts'
import { blockAffinity } from './block-affinity.ts'
import { handle } from './handle.ts'
import { ipamConfig } from './ipam-config.ts'

/** A v3 resource: the key names it, and so does its metadata. */
const named = <Value extends WithUnknown & ResourceName, Spec extends WithUnknown>(
  rules: ResourceRules<Value, Spec>,
): EtcdDocument<Value, ResourceName> => {
  const { decode, encode } = resource(rules, 'projectcalico.org/v3')
  return {
    decode,
    encode: (value) => {
      const { name, namespace } = value
      return encode(value, namespace === undefined ? { name } : { name, namespace })
    },
  }
}

const clusterInformationResource = resource(clusterInformation, 'projectcalico.org/v3')

export const etcdDocuments: EtcdDocuments = {
  IPPool: named(ipPool),
  IPReservation: named(ipReservation),
  IPAMConfig: ipamConfig,
  Block: block,
  BlockAffinity: blockAffinity,
  Handle: handle,
  Node: named(node),
  ClusterInformation: {
    decode: (document) => clusterInformationResource.decode(document, { name: 'default' }),
    encode: (value) => clusterInformationResource.encode(value, { name: 'default' }),
  },
  WorkloadEndpoint: named(workloadEndpoint),
  Profile: named(profile),
}
