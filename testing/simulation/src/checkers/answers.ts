/**
 * What an ADD answered: nobody else's address, an identity's own, and from where it may be: a pool
 * that was enabled, listed by the service, and not reserved at some instant while the ADD ran.
 */
import { containsAddress, trustedCIDR, trustedIPAddress } from '@hc-calico/ipam-core/ip'
import { staleMsMax } from '../simulated-process.ts'
import type { Simulation } from '../simulation.ts'
import type { Sandbox } from '../truth/sandboxes.ts'

const contains = (cidr: string, address: string): boolean =>
  cidr.includes(':') === address.includes(':') &&
  containsAddress(trustedCIDR(cidr), trustedIPAddress(address))

export interface Answer {
  readonly sandbox: Sandbox
  readonly addresses: ReadonlyArray<string>
  /** When the first ADD under this handle began. */
  readonly sinceMs: number
  /** What the identity had before. */
  readonly kept: ReadonlyArray<string>
  /** IPv4 addresses that its record has asked for since. */
  readonly wished: ReadonlySet<string>
}

const originFaults = (
  { settings, cluster }: Simulation,
  { sandbox, sinceMs }: Answer,
  address: string,
): ReadonlyArray<string> => {
  const fromMs = sinceMs - staleMsMax
  const faults: string[] = []
  const pools = settings.pools
    .since(fromMs)
    .flat()
    .filter((pool) => !pool.disabled && contains(pool.cidr, address))
  if (pools.length === 0) faults.push(`${address}: of no enabled pool`)
  const isListed = cluster.service
    .since(fromMs)
    .some(
      ({ listed, draining }) =>
        listed.length === 0 ||
        pools.some(({ name }) => listed.includes(name) && !draining.includes(name)),
    )
  if (sandbox.isOfService && !address.includes(':') && !isListed) {
    faults.push(`${address}: of no pool of the service`)
  }
  if (
    settings.reserved.since(fromMs).every((cidrs) => cidrs.some((one) => contains(one, address)))
  ) {
    faults.push(`${address}: reserved`)
  }
  return faults
}

/** Judged before the claims of the answer are entered. */
export const judgeAnswer = (simulation: Simulation, answer: Answer): void => {
  const { world, claims, upstreamNode } = simulation
  const { sandbox, addresses, kept, wished } = answer
  const handle = sandbox.identity ?? sandbox.handle
  if (new Set(addresses).size < addresses.length || addresses.length > sandbox.families) {
    world.violate('an address is answered once', `${handle}: ${addresses.join(', ')}`)
  }
  for (const address of addresses) {
    const claim = claims.get(address)
    if (claim !== undefined && (claim.handle !== handle || claim.holder !== undefined)) {
      const other = claim.holder ?? claim.handle
      world.violate('one address, one holder', `${address}: ${other} and ${sandbox.handle}`)
    }
    // Upstream's stand-in takes any free address of a block; an identity's own stay what they are.
    if (kept.includes(address) || wished.has(address) || sandbox.node === upstreamNode) continue
    for (const fault of originFaults(simulation, answer, address)) {
      world.violate('addresses come from where they may', `${sandbox.handle}: ${fault}`)
    }
  }
  const isExchanged = addresses.some((address) => wished.has(address))
  const missing = kept.filter(
    (address) => !addresses.includes(address) && !(isExchanged && !address.includes(':')),
  )
  if (missing.length > 0) {
    const words = `${handle}: had ${missing.join(', ')}, was given ${addresses.join(', ')}`
    world.violate('a fixed identity keeps its address', words)
  }
}
