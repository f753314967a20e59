/**
 * Where a workload's addresses come from, decided from the call, the configuration and the pod's
 * annotations before anything is read or written. Pure.
 */
import { canonicalAddress, canonicalCIDR, familyOf } from './addresses.ts'
import { annotatedFamilies, annotatedPools, pinnedAddresses } from './annotations.ts'
import type { PluginConfig } from './config.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import { quoted } from './skel/command-args.ts'
import type { WorkloadFacts } from './workload-source.ts'

export type AddressPlan =
  | {
      readonly tag: 'Automatic'
      readonly v4: boolean
      readonly v6: boolean
      /** Names or CIDRs; empty: every pool that selects the node. */
      readonly ipv4Pools: ReadonlyArray<string>
      readonly ipv6Pools: ReadonlyArray<string>
    }
  /** Particular addresses, from IPAM. `repinned`: the pod may hold them through an older container. */
  | { readonly tag: 'Explicit'; readonly ips: ReadonlyArray<string>; readonly repinned: boolean }
  /** Particular addresses that IPAM knows nothing about. */
  | { readonly tag: 'PastIPAM'; readonly ips: ReadonlyArray<string> }

/** The IPAM that runs inside this process: no second process, no second connection. */
export const isOurIPAM = (type: string | undefined): boolean =>
  type === 'hc-calico-ipam' || type === 'calico-ipam'

const bad = (sentence: string) => new CNIFailure(cniErrorCode.invalidNetworkConfig, sentence)

const requestedIP = (cniArgs: ReadonlyMap<string, string>): string | undefined => {
  const text = cniArgs.get('IP') ?? ''
  if (text === '') return undefined
  const address = canonicalAddress(text)
  if (address !== undefined) return address
  throw new CNIFailure(
    cniErrorCode.invalidEnvironment,
    `CNI_ARGS: IP must be an IP address, but is ${quoted(text)}`,
  )
}

const checkFamilyOf = (pools: ReadonlyArray<string>, family: 4 | 6): ReadonlyArray<string> => {
  const wrong = pools.find((pool) => {
    const cidr = canonicalCIDR(pool)
    return cidr !== undefined && familyOf(cidr) !== family
  })
  if (wrong === undefined) return pools
  throw bad(`error parsing pool ${quoted(wrong)}: ${quoted(wrong)} isn't a IPv${family} address`)
}

const automatic = (config: PluginConfig, facts: WorkloadFacts): AddressPlan => {
  const families = annotatedFamilies(facts)
  const v4 = families?.v4 ?? config.ipam.assignIPv4
  const v6 = families?.v6 ?? config.ipam.assignIPv6
  if (!v4 && !v6) {
    throw bad(
      'no address family is wanted: ipam.assign_ipv4 is "false" and ipam.assign_ipv6 is not "true"',
    )
  }
  return {
    tag: 'Automatic',
    v4,
    v6,
    ipv4Pools: checkFamilyOf(annotatedPools(facts, 4) ?? config.ipam.ipv4Pools, 4),
    ipv6Pools: checkFamilyOf(annotatedPools(facts, 6) ?? config.ipam.ipv6Pools, 6),
  }
}

/** The plan of a call whose addresses come from our own IPAM. Throws code 4 or 7. */
export const planAddresses = (
  config: PluginConfig,
  cniArgs: ReadonlyMap<string, string>,
  facts: WorkloadFacts,
): AddressPlan => {
  const requested = requestedIP(cniArgs)
  const pinned = pinnedAddresses(facts)
  if (pinned?.source === 'ipAddrsNoIpam') {
    if (!config.features.ipAddrsNoIPAM) {
      throw bad(
        'requested feature is not enabled: ip_addrs_no_ipam; set feature_control.ip_addrs_no_ipam in the network configuration',
      )
    }
    return { tag: 'PastIPAM', ips: pinned.ips }
  }
  if (pinned !== undefined) return { tag: 'Explicit', ips: pinned.ips, repinned: true }
  if (requested !== undefined) return { tag: 'Explicit', ips: [requested], repinned: false }
  return automatic(config, facts)
}

/** With another IPAM plugin a pod cannot pin addresses: only ours knows how. */
export const refusePinnedAddresses = (facts: WorkloadFacts, ipamType: string | undefined): void => {
  const pinned = pinnedAddresses(facts)
  if (pinned === undefined) return
  throw bad(
    `annotation "cni.projectcalico.org/${pinned.source}" needs ipam.type "calico-ipam" or "hc-calico-ipam", but it is ${quoted(ipamType ?? '')}`,
  )
}
