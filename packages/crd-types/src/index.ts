/**
 * Documents Calico's IPAM stores, as plain types with readers that say what is wrong. No type of
 * fp-ts or io-ts appears here; the tables the adapters use are at `./etcd`, `./v1` and `./v3`.
 */
export {
  type DocumentKind,
  type DocumentTypes,
  decodeBlock,
  decodeBlockAffinity,
  decodeCalicoNode,
  decodeClusterInformation,
  decodeDocument,
  decodeHandle,
  decodeIPAMConfig,
  decodeIPPool,
  decodeIPReservation,
  decodeProfile,
  decodeServiceIPPool,
  decodeWorkloadEndpoint,
  InvalidDocument,
  type KindAndValue,
} from './decode.ts'
export {
  affinityLabels,
  affinityTypeLabel,
  hostnameHashLabel,
  ipVersionLabel,
} from './documents/affinity-labels.ts'
export type {
  Condition,
  ServiceIPPool,
  ServiceIPPoolStatus,
  ServicePoolMember,
} from './harmonycloud/model.ts'
export { hostnameHash } from './hostname-hash.ts'
export { InvalidJSON, parseJSON, type StringifyOptions, stringifyJSON } from './json.ts'
export type {
  AffinityState,
  AffinityType,
  AllocationAttribute,
  Block,
  BlockAffinity,
  CalicoNode,
  ClusterInformation,
  EncapsulationMode,
  Handle,
  IPAMConfig,
  IPNAT,
  IPPool,
  IPPoolUse,
  IPReservation,
  PlainKind,
  PlainTypes,
  Profile,
  StringMap,
  UnknownFields,
  WorkloadEndpoint,
  WorkloadEndpointPort,
} from './model.ts'
export { podUIDAnnotation } from './pod-uid.ts'
