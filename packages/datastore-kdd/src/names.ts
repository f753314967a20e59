/**
 * Calico's names of custom resources. A CIDR's `.`, `:` and `/` become `-`; an affinity's name joins
 * host and CIDR and, where that is too long, is cut and ends in a digest; a handle is lower-cased.
 * No name can be read backwards for certain: what an object is about stands in its spec.
 */
import type { Key } from '@hc-calico/ipam-core/ports'

export const cidrName = (cidr: string): string => cidr.replace(/[.:/]/g, '-')

/** Names longer than this are cut to 252. */
const affinityNameMax = 252
const digestLength = 11

/** `{host}-{cidr}`, or `{start of host}-{cidr}-{digest of both}` of exactly 252 characters. */
export const affinityName = (host: string, cidr: string): string => {
  const network = cidrName(cidr)
  const name = `${host}-${network}`
  if (name.length <= affinityNameMax) return name
  // Not imported: a bundler would have every one-shot program load it at its start.
  const digest = process
    .getBuiltinModule('node:crypto')
    .createHash('sha256')
    .update(`${host}+${network}`)
    .digest('hex')
  const kept = host.slice(0, affinityNameMax - network.length - digestLength - 2)
  return `${kept}-${network}-${digest.slice(0, digestLength)}`
}

/** Kinds that are custom resources of Calico's. */
export type CustomKind =
  | 'IPPool'
  | 'IPReservation'
  | 'IPAMConfig'
  | 'Block'
  | 'BlockAffinity'
  | 'Handle'
  | 'ClusterInformation'

/** `metadata.name` of the custom resource. */
export const resourceName = (key: Key<CustomKind>): string => {
  switch (key.kind) {
    case 'Block':
      return cidrName(key.cidr)
    case 'BlockAffinity':
      return affinityName(key.host, key.cidr)
    case 'Handle':
      return key.id.toLowerCase()
    case 'IPAMConfig':
    case 'ClusterInformation':
      return 'default'
    default:
      return key.name
  }
}

export interface EndpointParts {
  readonly node: string
  readonly orchestrator: string
  readonly pod: string
  /** Absent in a prefix. */
  readonly endpoint?: string
}

/**
 * The parts of an endpoint's name, or of a prefix that ends after the pod: dashes inside a part are
 * doubled. Undefined when it is not of that form.
 */
export const endpointParts = (name: string): EndpointParts | undefined => {
  const placeholder = '\u0000'
  const parts = name
    .replaceAll('--', placeholder)
    .split('-')
    .map((part) => part.replaceAll(placeholder, '-'))
  const [node, orchestrator, pod, endpoint, ...more] = parts
  if (!node || !orchestrator || !pod || more.length > 0) return undefined
  return { node, orchestrator, pod, ...(endpoint ? { endpoint } : {}) }
}
