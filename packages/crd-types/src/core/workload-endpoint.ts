/**
 * The workload endpoint of a Kubernetes pod. With the Kubernetes datastore Calico keeps no object
 * of its own for it: the addresses and the container of the pod stand in three annotations, and
 * everything else follows from the pod. Name and labels are as Calico derives them.
 */
import { parseAddress, parseCIDR } from '../codecs/ip-text.ts'
import { present } from '../documents/resource.ts'
import type { IPNAT, StringMap, WorkloadEndpoint } from '../model.ts'
import { textsIn } from './annotation-json.ts'
import type { KubernetesPod } from './pod.ts'

export const podIPAnnotation = 'cni.projectcalico.org/podIP'
export const podIPsAnnotation = 'cni.projectcalico.org/podIPs'
export const containerIDAnnotation = 'cni.projectcalico.org/containerID'
const awsPodIPsAnnotation = 'vpc.amazonaws.com/pod-ips'
const floatingIPsAnnotation = 'cni.projectcalico.org/floatingIPs'
const sourcePrefixesAnnotation = 'cni.projectcalico.org/allowedSourcePrefixes'

/** The one endpoint a pod has, whatever its interface is called inside. */
const endpoint = 'eth0'

/** Longer service account names do not fit a label value. */
const labelledAccountLengthMax = 62

const asNetwork = (text: string): ReadonlyArray<string> => {
  const trimmed = text.trim()
  const length = trimmed.includes(':') ? 128 : 32
  const network = parseCIDR(trimmed.includes('/') ? trimmed : `${trimmed}/${length}`)
  return network === undefined ? [] : [network.text]
}

const networksIn = (annotation: string | undefined): ReadonlyArray<string> =>
  (annotation ?? '').split(',').flatMap(asNetwork)

/**
 * True once the pod no longer owns its addresses: it has run to its end, or it is being deleted
 * and the plugin has emptied the address annotation.
 */
export const isFinished = (pod: KubernetesPod): boolean =>
  pod.completed || (pod.deletionTimestamp !== undefined && pod.annotations[podIPAnnotation] === '')

/** The pod's addresses as CIDRs: what Kubernetes reports, else what was annotated. */
export const podNetworks = (pod: KubernetesPod): ReadonlyArray<string> => {
  if (isFinished(pod)) return []
  const sources = [
    pod.statusIPs.flatMap(asNetwork),
    networksIn(pod.annotations[podIPsAnnotation]),
    networksIn(pod.annotations[podIPAnnotation]),
    networksIn(pod.annotations[awsPodIPsAnnotation]),
  ]
  return sources.find((networks) => networks.length > 0) ?? []
}

/** True of pods that are Calico's business: scheduled, in their own network, with an address. */
export const isWorkload = (pod: KubernetesPod): boolean =>
  pod.nodeName !== undefined && !pod.hostNetwork && podNetworks(pod).length > 0

/** A dash inside a segment is doubled, so that single dashes separate: `n--1-k8s-web--0-eth0`. */
const endpointName = (node: string, pod: string): string =>
  [node, 'k8s', pod, endpoint].map((segment) => segment.replaceAll('-', '--')).join('-')

const labelsOf = ({
  labels,
  namespace,
  serviceAccountName: account,
}: KubernetesPod): StringMap => ({
  ...labels,
  'projectcalico.org/namespace': namespace,
  'projectcalico.org/orchestrator': 'k8s',
  ...(account !== undefined && account.length <= labelledAccountLengthMax
    ? { 'projectcalico.org/serviceaccount': account }
    : {}),
})

/** Every floating address is translated to the pod's address of its family. */
const natsOf = (
  pod: KubernetesPod,
  networks: ReadonlyArray<string>,
): { readonly ipNATs?: ReadonlyArray<IPNAT> } => {
  const nats = textsIn(pod.annotations[floatingIPsAnnotation]).flatMap((externalIP) => {
    const family = parseAddress(externalIP)?.family
    const network = networks.find((text) => parseCIDR(text)?.family === family)
    const internalIP = network?.split('/')[0]
    return family === undefined || internalIP === undefined ? [] : [{ internalIP, externalIP }]
  })
  return nats.length === 0 ? {} : { ipNATs: nats }
}

const sourcePrefixesOf = (pod: KubernetesPod): ReadonlyArray<string> =>
  textsIn(pod.annotations[sourcePrefixesAnnotation]).flatMap(asNetwork)

/** The endpoint of a pod; `interfaceName` is its interface on the host, which follows from its name. */
export const workloadEndpointOf = (pod: KubernetesPod, interfaceName: string): WorkloadEndpoint => {
  const node = pod.nodeName ?? ''
  const { namespace, serviceAccountName: account } = pod
  const networks = podNetworks(pod)
  const prefixes = sourcePrefixesOf(pod)
  return {
    namespace,
    name: endpointName(node, pod.name),
    labels: labelsOf(pod),
    ...present('generateName', pod.generateName),
    orchestrator: 'k8s',
    node,
    ...present('containerID', pod.annotations[containerIDAnnotation]),
    pod: pod.name,
    endpoint,
    ...present('serviceAccountName', account),
    ipNetworks: networks,
    ...natsOf(pod, networks),
    profiles: [
      `kns.${namespace}`,
      ...(account === undefined ? [] : [`ksa.${namespace}.${account}`]),
    ],
    interfaceName,
    ...(pod.ports.length === 0 ? {} : { ports: pod.ports }),
    ...(prefixes.length === 0 ? {} : { allowSpoofedSourcePrefixes: prefixes }),
    ...present('podUID', pod.uid),
  }
}

/** The annotations that record an endpoint on its pod. */
export const endpointAnnotations = (
  value: Pick<WorkloadEndpoint, 'ipNetworks' | 'containerID'>,
): StringMap => ({
  [podIPAnnotation]: value.ipNetworks[0] ?? '',
  [podIPsAnnotation]: value.ipNetworks.join(','),
  ...present(containerIDAnnotation, value.containerID),
})

/** What takes the place of those annotations when the endpoint is deleted; the container stays. */
export const deletedEndpointAnnotations: StringMap = {
  [podIPAnnotation]: '',
  [podIPsAnnotation]: '',
}
