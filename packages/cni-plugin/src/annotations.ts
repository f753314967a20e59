/**
 * What a pod asks for in annotations (`cni.projectcalico.org/...`): parsed, validated, and put in
 * order of precedence. Pure. A pod's annotation beats its namespace's, which beats the network
 * configuration; an empty value counts as none.
 */
import { canonicalAddress, canonicalCIDR, familyOf } from './addresses.ts'
import { isResourceName } from './config-fields.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import { quoted } from './skel/command-args.ts'
import type { WorkloadFacts } from './workload-source.ts'

export const annotationPrefix = 'cni.projectcalico.org/'

type Name =
  | 'ipAddrs'
  | 'ipAddrsNoIpam'
  | 'ipv4pools'
  | 'ipv6pools'
  | 'ipFamilies'
  | 'hwAddr'
  | 'allowedSourcePrefixes'
  | 'floatingIPs'

const keyOf = (name: Name): string => `${annotationPrefix}${name}`

const bad = (sentence: string) => new CNIFailure(cniErrorCode.invalidNetworkConfig, sentence)

const itemsMax = 256

/** A JSON list of texts. Throws code 7. */
const parseList = (key: string, value: string): ReadonlyArray<string> => {
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch {
    parsed = undefined
  }
  if (!Array.isArray(parsed) || !parsed.every((item) => typeof item === 'string')) {
    throw bad(
      `annotation ${quoted(key)} must be a JSON list of texts such as ["a"], but is ${quoted(value)}`,
    )
  }
  if (parsed.length > itemsMax)
    throw bad(`annotation ${quoted(key)} lists more than ${itemsMax} items`)
  return parsed
}

const podAnnotation = (facts: WorkloadFacts, name: Name): string =>
  facts.pod.annotations[keyOf(name)] ?? ''

const podOrNamespaceAnnotation = (facts: WorkloadFacts, name: Name): string =>
  podAnnotation(facts, name) || (facts.namespace.annotations[keyOf(name)] ?? '')

const invalidIP = (key: string, text: string) =>
  bad(
    `invalid IP format: annotation ${quoted(key)} contains ${quoted(text)}, which is not an IP address`,
  )

/** At most one address per family, canonical. */
const parseAddresses = (key: string, value: string): ReadonlyArray<string> => {
  const listed = parseList(key, value)
  if (listed.length === 0) throw bad(`annotation ${quoted(key)} specified but empty`)
  const addresses = listed.map((text) => {
    const address = canonicalAddress(text)
    if (address === undefined) throw invalidIP(key, text)
    return address
  })
  for (const family of [4, 6] as const) {
    if (addresses.filter((one) => familyOf(one) === family).length > 1) {
      throw bad(`cannot have more than one IPv${family} address for ${quoted(key)} annotation`)
    }
  }
  return addresses
}

/** Addresses the pod names itself: through IPAM, or past it. */
export type PinnedAddresses = {
  readonly source: 'ipAddrs' | 'ipAddrsNoIpam'
  readonly ips: ReadonlyArray<string>
}

export const pinnedAddresses = (facts: WorkloadFacts): PinnedAddresses | undefined => {
  const withIPAM = podAnnotation(facts, 'ipAddrs')
  const withoutIPAM = podAnnotation(facts, 'ipAddrsNoIpam')
  if (withIPAM !== '' && withoutIPAM !== '') {
    throw bad("can't have both annotations: 'ipAddrs' and 'ipAddrsNoIpam' in use at the same time")
  }
  if (withIPAM !== '') {
    return { source: 'ipAddrs', ips: parseAddresses(keyOf('ipAddrs'), withIPAM) }
  }
  if (withoutIPAM === '') return undefined
  return { source: 'ipAddrsNoIpam', ips: parseAddresses(keyOf('ipAddrsNoIpam'), withoutIPAM) }
}

/** Pools by name or CIDR, in order; undefined: not annotated. */
export const annotatedPools = (
  facts: WorkloadFacts,
  family: 4 | 6,
): ReadonlyArray<string> | undefined => {
  const name = family === 4 ? 'ipv4pools' : 'ipv6pools'
  const value = podOrNamespaceAnnotation(facts, name)
  if (value === '') return undefined
  const pools = parseList(keyOf(name), value)
  const wrong = pools.find((pool) => canonicalCIDR(pool) === undefined && !isResourceName(pool))
  if (wrong === undefined) return pools
  throw bad(
    `error parsing pool ${quoted(wrong)}: annotation ${quoted(keyOf(name))} must list names or CIDRs of IP pools`,
  )
}

export interface Families {
  readonly v4: boolean
  readonly v6: boolean
}

/** Which families the pod wants; undefined: not annotated. */
export const annotatedFamilies = (facts: WorkloadFacts): Families | undefined => {
  const value = podOrNamespaceAnnotation(facts, 'ipFamilies')
  if (value === '') return undefined
  const families = parseList(keyOf('ipFamilies'), value)
  const wrong = families.find((family) => family !== 'IPv4' && family !== 'IPv6')
  if (wrong !== undefined) {
    throw bad(`error parsing ipFamilies: ${quoted(wrong)} is neither "IPv4" nor "IPv6"`)
  }
  if (families.length === 0) throw bad('error parsing ipFamilies: the list is empty')
  return { v4: families.includes('IPv4'), v6: families.includes('IPv6') }
}

/** The hardware address of the container's interface, lower case with colons. */
export const annotatedMAC = (facts: WorkloadFacts): string | undefined => {
  const value = podAnnotation(facts, 'hwAddr')
  if (value === '') return undefined
  const mac = value.toLowerCase().replaceAll('-', ':')
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) {
    throw bad(
      `annotation ${quoted(keyOf('hwAddr'))} must be a hardware address such as 0a:58:0a:00:00:01, but is ${quoted(value)}`,
    )
  }
  const isMulticast = Number.parseInt(mac.slice(0, 2), 16) % 2 === 1
  if (isMulticast || mac === '00:00:00:00:00:00') {
    throw bad(
      `annotation ${quoted(keyOf('hwAddr'))}: ${quoted(value)} cannot be the address of an interface, it is ${isMulticast ? 'a multicast address' : 'all zeros'}`,
    )
  }
  return mac
}

/** Sources the pod may spoof, canonical CIDRs. */
export const allowedSourcePrefixes = (facts: WorkloadFacts): ReadonlyArray<string> => {
  const value = podAnnotation(facts, 'allowedSourcePrefixes')
  if (value === '') return []
  const key = keyOf('allowedSourcePrefixes')
  return parseList(key, value).map((text) => {
    const cidr = canonicalCIDR(
      text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`,
    )
    if (cidr !== undefined) return cidr
    throw bad(`annotation ${quoted(key)} contains ${quoted(text)}, which is not a CIDR`)
  })
}

/** Addresses outside the cluster that are translated to the pod's. Throws when the feature is off. */
export const floatingIPs = (facts: WorkloadFacts, enabled: boolean): ReadonlyArray<string> => {
  const value = podAnnotation(facts, 'floatingIPs')
  if (value === '') return []
  if (!enabled) {
    throw bad(
      'requested feature is not enabled: floating_ips; set feature_control.floating_ips in the network configuration',
    )
  }
  const key = keyOf('floatingIPs')
  return parseList(key, value).map((text) => {
    const address = canonicalAddress(text)
    if (address === undefined) throw invalidIP(key, text)
    return address
  })
}

/** Each floating address beside the pod's address of its family. Throws code 7 where none is. */
export const floatingPairs = (
  facts: WorkloadFacts,
  enabled: boolean,
  addresses: ReadonlyArray<string>,
): ReadonlyArray<{ readonly internalIP: string; readonly externalIP: string }> =>
  floatingIPs(facts, enabled).map((externalIP) => {
    const internalIP = addresses.find((one) => familyOf(one) === familyOf(externalIP))
    if (internalIP !== undefined) return { internalIP, externalIP }
    throw bad(
      `annotation ${quoted(keyOf('floatingIPs'))}: ${externalIP} cannot be translated, the pod has no IPv${familyOf(externalIP)} address`,
    )
  })
