/** The workload endpoint of a container, as Felix reads it: built from what ADD knows. Pure. */
import type { Values } from '@hc-calico/ipam-core/ports'
import { asHostCIDR } from '../addresses.ts'
import { allowedSourcePrefixes, floatingPairs } from '../annotations.ts'
import type { PluginConfig } from '../config.ts'
import { endpointName, type Identity } from '../identity.ts'
import type { WorkloadFacts } from '../workload-source.ts'

export type Endpoint = Values['WorkloadEndpoint']

export interface EndpointParts {
  readonly config: PluginConfig
  readonly identity: Identity
  readonly facts: WorkloadFacts
  readonly existing: Endpoint | undefined
  /** Bare addresses. */
  readonly addresses: ReadonlyArray<string>
  readonly hostInterface: string
  readonly mac: string
}

const serviceAccountLabelLengthMax = 62

/** Mesos labels may hold anything; selectors want label characters. */
const sanitised = (text: string): string =>
  text
    .replaceAll('/', '.')
    .replace(/[^-_.a-zA-Z0-9]+/g, '-')
    .replace(/[-.]*\.[-.]*/g, '.')
    .replace(/^[-.]+|[-.]+$/g, '')

const labelsOf = ({ config, identity, facts }: EndpointParts): Readonly<Record<string, string>> => {
  const account = facts.pod.serviceAccountName
  const mesos = config.mesosLabels.map(({ key, value }) => [sanitised(key), sanitised(value)])
  return {
    ...(identity.orchestrator === 'k8s' ? facts.pod.labels : Object.fromEntries(mesos)),
    'projectcalico.org/namespace': identity.namespace,
    'projectcalico.org/orchestrator': identity.orchestrator,
    ...(account !== undefined && account.length <= serviceAccountLabelLengthMax
      ? { 'projectcalico.org/serviceaccount': account }
      : {}),
  }
}

/** With policy for Kubernetes the profiles of namespace and service account, else the network's. */
const profilesOf = ({ config, identity, facts }: EndpointParts): ReadonlyArray<string> => {
  if (config.policyType !== 'k8s' || identity.orchestrator !== 'k8s') return [config.network]
  const account = facts.pod.serviceAccountName
  const namespace = `kns.${identity.namespace}`
  return account === undefined ? [namespace] : [namespace, `ksa.${identity.namespace}.${account}`]
}

const natsOf = ({ config, facts, addresses }: EndpointParts) =>
  floatingPairs(facts, config.features.floatingIPs, addresses)

const workloadOf = ({ orchestrator, containerID, pod }: Identity) =>
  orchestrator === 'k8s' ? { pod: pod ?? '' } : { workload: containerID }

/** What stands in the datastore after ADD. Throws code 7 for a floating address without a match. */
export const endpointFor = (parts: EndpointParts): Endpoint => {
  const { identity, facts, existing, addresses, hostInterface, mac } = parts
  const nats = natsOf(parts)
  const prefixes = allowedSourcePrefixes(facts)
  const { generateName, serviceAccountName, ports, uid } = facts.pod
  return {
    namespace: identity.namespace,
    // A pod has one endpoint: an existing one keeps its name, whatever the interface is called now.
    name: existing?.name ?? endpointName(identity),
    endpoint: existing?.endpoint ?? identity.endpoint,
    labels: labelsOf(parts),
    orchestrator: identity.orchestrator,
    ...workloadOf(identity),
    node: identity.node,
    containerID: identity.containerID,
    ...(generateName === undefined ? {} : { generateName }),
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    ipNetworks: addresses.map(asHostCIDR),
    ...(nats.length === 0 ? {} : { ipNATs: nats }),
    profiles: profilesOf(parts),
    interfaceName: hostInterface,
    mac,
    ...(ports.length === 0 ? {} : { ports }),
    ...(prefixes.length === 0 ? {} : { allowSpoofedSourcePrefixes: prefixes }),
    ...(uid === undefined ? {} : { podUID: uid }),
    ...(existing?.unknownFields === undefined ? {} : { unknownFields: existing.unknownFields }),
  }
}

/** Whether an endpoint found by name prefix is this workload's: prefixes of names can be ambiguous. */
export const isOfWorkload = (endpoint: Endpoint, identity: Identity): boolean =>
  endpoint.node === identity.node &&
  endpoint.orchestrator === identity.orchestrator &&
  (identity.orchestrator === 'k8s'
    ? endpoint.pod === identity.pod
    : endpoint.workload === undefined || endpoint.workload === identity.containerID)
