/** Pools as the user names them (name or CIDR) to the CIDRs that allocation asks for. */
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { canonicalCIDR, familyOf } from '../addresses.ts'
import { readAll } from '../datastore-access.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { quoted } from '../skel/command-args.ts'

interface NamedPools {
  readonly ipv4Pools: ReadonlyArray<string>
  readonly ipv6Pools: ReadonlyArray<string>
}

const bad = (sentence: string) => new CNIFailure(cniErrorCode.invalidNetworkConfig, sentence)

const namesCIDR = (pool: string): boolean => canonicalCIDR(pool) !== undefined

/** Reads the pools only when one is given by name. Throws code 7 for an unknown name. */
export const resolvePools = async (
  datastore: Datastore,
  { ipv4Pools, ipv6Pools }: NamedPools,
): Promise<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> => {
  const all = [...ipv4Pools, ...ipv6Pools]
  const [listed] = all.every(namesCIDR) ? [[]] : await readAll(datastore, [{ list: 'IPPool' }])
  const cidrs = new Map(listed.map((pool) => [pool.value.name, pool.value.cidr]))
  const resolve = (family: 4 | 6) => (pool: string) => {
    const cidr = canonicalCIDR(pool) ?? cidrs.get(pool)
    if (cidr === undefined) {
      throw bad(`error parsing pool ${quoted(pool)}: there is no IP pool of this name`)
    }
    if (familyOf(cidr) !== family) {
      throw bad(`error parsing pool ${quoted(pool)}: ${quoted(cidr)} isn't a IPv${family} address`)
    }
    return cidr
  }
  return [ipv4Pools.map(resolve(4)), ipv6Pools.map(resolve(6))]
}
