/** The slices of Kubernetes' own objects that stand for Calico's: Node, Namespace, Pod. */
export type { ObjectFacts, OwnerReference } from './metadata.ts'
export { decodeNamespace, type KubernetesNamespace } from './namespace.ts'
export { calicoLabelsAnnotation, decodeNode, type KubernetesNode } from './node.ts'
export { decodePod, type KubernetesPod } from './pod.ts'
export {
  containerIDAnnotation,
  deletedEndpointAnnotations,
  endpointAnnotations,
  isFinished,
  isWorkload,
  podIPAnnotation,
  podIPsAnnotation,
  podNetworks,
  workloadEndpointOf,
} from './workload-endpoint.ts'
