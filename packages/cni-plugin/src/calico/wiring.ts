/** From addresses to the wiring request, and from what the kernel made to the result. */

import { isOurIPAM } from '../address-plan.ts'
import { addressOf, asHostCIDR, canonicalCIDR, familyOf } from '../addresses.ts'
import type { PluginConfig } from '../config.ts'
import type { ContainerRoute, Dataplane, WorkloadLink } from '../dataplane/dataplane.ts'
import type { Machine } from '../machine.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { quoted } from '../skel/command-args.ts'
import type { Result } from '../skel/result.ts'

const mtuFile = '/var/lib/calico/mtu'
const mtuMax = 65_535

/** The configuration's MTU, else calico/node's file, else 0: the kernel's default. */
export const mtuOf = async (config: PluginConfig, machine: Machine): Promise<number> => {
  if (config.mtu > 0) return config.mtu
  const content = await machine.readText(mtuFile, 64)
  if (content === undefined) {
    if (!config.requireMTUFile) return 0
    throw new CNIFailure(
      cniErrorCode.tryAgainLater,
      `stat ${mtuFile}: no such file or directory: require_mtu_file is set, and calico/node has not written it yet`,
    )
  }
  const text = content.trim()
  if (/^\d{1,5}$/.test(text) && Number(text) <= mtuMax) return Number(text)
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    `${mtuFile} must contain a whole number from 0 to ${mtuMax}, but is ${quoted(text)}`,
  )
}

/**
 * Routes inside the container: the default route of each family, or those that the configuration
 * of a foreign IPAM plugin lists (then the default only when it is asked for).
 */
export const containerRoutes = (
  config: PluginConfig,
  addresses: ReadonlyArray<string>,
): ReadonlyArray<ContainerRoute> => {
  const listed = isOurIPAM(config.ipam.type) ? [] : config.ipam.routes
  const defaults = listed.length === 0 || config.includeDefaultRoutes ? ['0.0.0.0/0', '::/0'] : []
  const families = new Set(addresses.map(familyOf))
  const routes = [...defaults, ...listed]
    .map((dst) => canonicalCIDR(dst) ?? dst)
    .filter((dst) => families.has(familyOf(dst)))
  return [...new Set(routes)].map((dst) => ({ dst }))
}

export const addressesOf = (result: Result): ReadonlyArray<string> =>
  result.ips.map((one) => addressOf(one.address))

/** A relative path would be looked up in the working directory. Throws code 4. */
export const requireAbsolute = (netns: string): void => {
  if (netns.startsWith('/')) return
  throw new CNIFailure(
    cniErrorCode.invalidEnvironment,
    `CNI_NETNS must be an absolute path, but is ${quoted(netns)}`,
  )
}

/** Throws code 8 unless the namespace can be wired: there, a namespace, and not the host's. */
export const requireNamespace = async (dataplane: Dataplane, netns: string): Promise<void> => {
  requireAbsolute(netns)
  const { state, isOwn } = await dataplane.inspectNamespace(netns)
  const problem =
    state === 'missing'
      ? 'does not exist'
      : state === 'notANamespace'
        ? 'is not a network namespace'
        : isOwn
          ? "is this plugin's own network namespace"
          : undefined
  if (problem === undefined) return
  throw new CNIFailure(
    cniErrorCode.invalidNetworkNamespace,
    `CNI_NETNS ${quoted(netns)} ${problem}`,
  )
}

/** Calico's form: both ends of the link, every address /32 or /128 on the container's, no gateway. */
export const resultOf = (session: Session, ipam: Result, link: WorkloadLink): Result => {
  const { netns, ifName } = session.call.args
  const container = { name: ifName, mac: link.containerMAC, mtu: link.mtu, sandbox: netns }
  return {
    interfaces: [{ name: link.hostInterface }, container],
    ips: addressesOf(ipam).map((ip) => ({ interface: 1, address: asHostCIDR(ip) })),
    routes: ipam.routes,
    dns: ipam.dns,
  }
}
