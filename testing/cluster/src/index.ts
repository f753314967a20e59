/** Start and stop real things. Every part is an entry of its own as well, e.g. `/etcd`. */
export { type Certificate, type CertificateAuthority, createAuthority } from './certificates.ts'
export { type CommandOptions, type CommandResult, command, tryCommand } from './command.ts'
export { imageName, makeImage } from './container-image.ts'
export { type Containerd, debianPlugins, startContainerd } from './containerd.ts'
export type { CRI, PodSandbox, PodSpec, PodStatus } from './cri.ts'
export { makeDirectory, type OwnDirectory } from './directory.ts'
export { type Etcd, type EtcdOptions, startEtcd } from './etcd.ts'
export {
  type EtcdCluster,
  type EtcdClusterOptions,
  type EtcdMember,
  startEtcdCluster,
} from './etcd-cluster.ts'
export {
  type Kubernetes,
  type KubernetesIdentity,
  type KubernetesOptions,
  startKubernetes,
} from './kubernetes.ts'
export { createLAN, type LAN } from './lan.ts'
export {
  createNamespace,
  createNamespaceNamed,
  createNode,
  makeNode,
  NetworkNamespace,
  nodeAddresses,
} from './netns.ts'
export { type KubernetesNode, type NodeOptions, startNode } from './node.ts'
export { type Podman, startPodman } from './podman.ts'
export { freePort, type RunningProcess, startProcess, waitUntil } from './process.ts'
