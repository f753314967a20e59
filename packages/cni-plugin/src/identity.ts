/**
 * Who a call is about: container, pod, node, and the names that follow from them: the handle its
 * addresses belong to, its workload endpoint, its interface on the host. Shapes are Calico's.
 * Everything from outside is validated here before it reaches a key, a path or a name.
 */
import type { PluginConfig } from './config.ts'
import { sha1Hex } from './sha1.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import { isContainerID, quoted } from './skel/command-args.ts'
import type { PluginCall } from './skel/run-plugin.ts'

export interface Identity {
  readonly orchestrator: 'k8s' | 'cni'
  /** Pod namespace; `default` outside Kubernetes. */
  readonly namespace: string
  /** Pod name; absent outside Kubernetes. */
  readonly pod?: string
  readonly podUID?: string
  readonly node: string
  readonly containerID: string
  /** CNI_IFNAME. */
  readonly endpoint: string
  /** Owner of the container's addresses: `{network}.{containerID}`. */
  readonly handleID: string
  /** Owner under which versions before Calico 3 allocated; released as well. */
  readonly legacyHandleID: string
}

const bad = (sentence: string) => new CNIFailure(cniErrorCode.invalidEnvironment, sentence)

/** DNS-1123. */
const isPodName = (text: string): boolean =>
  text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text)
export const isNamespaceName = (text: string): boolean =>
  text.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text)
const isUID = (text: string): boolean => /^[A-Za-z0-9-]{1,64}$/.test(text)

const checkArgument = (
  args: ReadonlyMap<string, string>,
  name: string,
  accept: (text: string) => boolean,
  mustBe: string,
): string => {
  const value = args.get(name) ?? ''
  if (value === '' || accept(value)) return value
  throw bad(`CNI_ARGS: ${name} must be ${mustBe}, but is ${quoted(value)}`)
}

const podRule = 'a pod name (at most 253 lower-case letters, digits, "." and "-")'
const namespaceRule = 'a namespace name (at most 63 lower-case letters, digits and "-")'

/** Outside Kubernetes some runtimes (podman) put a container name there: kept out of everything. */
const readPod = (args: ReadonlyMap<string, string>) => {
  const namespace = checkArgument(args, 'K8S_POD_NAMESPACE', isNamespaceName, namespaceRule)
  if (namespace === '') return { namespace, pod: '', podUID: '' }
  const pod = checkArgument(args, 'K8S_POD_NAME', isPodName, podRule)
  const podUID = checkArgument(args, 'K8S_POD_UID', isUID, 'a pod UID')
  checkArgument(args, 'K8S_POD_INFRA_CONTAINER_ID', isContainerID, 'a container id')
  return { namespace, pod, podUID }
}

const mesosNamespace = 'projectcalico.org/namespace'

const namespaceOutsideKubernetes = (config: PluginConfig): string => {
  const label = config.mesosLabels.find((one) => one.key === mesosNamespace)?.value ?? ''
  if (label === '') return 'default'
  if (isNamespaceName(label)) return label
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    `args: the label ${mesosNamespace} must be ${namespaceRule}, but is ${quoted(label)}`,
  )
}

export const handleIDFor = (network: string, containerID: string): string =>
  `${network}.${containerID}`

/** Reads and validates who the call is about. Throws code 4 or 7. */
export const identify = (call: PluginCall, config: PluginConfig, node: string): Identity => {
  const { containerID, ifName } = call.args
  if (/^-|-$/.test(ifName)) {
    throw bad(
      `CNI_IFNAME ${quoted(ifName)} must not begin or end with "-": no endpoint can be named after it`,
    )
  }
  const { namespace, pod, podUID } = readPod(call.cniArgs)
  const handleID = handleIDFor(config.network, containerID)
  const common = { node, containerID, endpoint: ifName, handleID }
  if (pod === '' || namespace === '') {
    if (containerID.endsWith('-')) {
      throw bad(
        `CNI_CONTAINERID ${quoted(containerID)} must not end in "-": no endpoint can be named after it`,
      )
    }
    return {
      ...common,
      orchestrator: 'cni',
      namespace: namespaceOutsideKubernetes(config),
      legacyHandleID: containerID,
    }
  }
  return {
    ...common,
    orchestrator: 'k8s',
    namespace,
    pod,
    ...(podUID === '' ? {} : { podUID }),
    legacyHandleID: `${namespace}.${pod}`,
  }
}

/** A dash inside a segment is doubled, so that single dashes separate. */
const segment = (text: string): string => text.replaceAll('-', '--')

/** What the names of all endpoints of this workload begin with. */
export const endpointNamePrefix = (identity: Identity): string => {
  const { node, orchestrator, pod, containerID } = identity
  return `${segment(node)}-${orchestrator}-${segment(pod ?? containerID)}-`
}

/** E.g. `n--1-k8s-web--0-eth0`. */
export const endpointName = (identity: Identity): string =>
  `${endpointNamePrefix(identity)}${segment(identity.endpoint)}`

const hostInterfaceSuffixLength = 11

/** E.g. default/nginx -> `calic440f455693`; outside Kubernetes the container id's first characters. */
export const hostInterfaceFor = (identity: Identity, prefix: string): string => {
  const { namespace, pod, containerID } = identity
  if (pod === undefined) return `cali${containerID.slice(0, hostInterfaceSuffixLength)}`
  const digest = sha1Hex(`${namespace}.${pod}`)
  return `${prefix}${digest.slice(0, hostInterfaceSuffixLength)}`
}
