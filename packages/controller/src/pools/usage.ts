/** How full the pools are now, from the caches. */

import { reservedAddresses } from '@hc-calico/ipam-core/fp'
import { trustedCIDR } from '@hc-calico/ipam-core/ip'
import { type PoolUsage, poolFinder, poolUsage } from '../decisions/pool-usage.ts'
import type { BlockFacts } from '../sources/blocks.ts'
import type { Sources } from '../sources/sources.ts'

type PoolSources = Pick<Sources, 'pools' | 'reservations' | 'blocks'>

export const currentUsage = ({
  pools,
  reservations,
  blocks,
}: PoolSources): ReadonlyMap<string, PoolUsage> => {
  const reserved = reservedAddresses([...reservations.all().values()])
  return poolUsage([...pools.all().values()], blocks.all().values(), reserved)
}

/** Every block that lies in a pool, with the pool's name. */
export function* blocksInPools({
  pools,
  blocks,
}: Pick<PoolSources, 'pools' | 'blocks'>): Generator<{
  readonly pool: string
  readonly allocations: BlockFacts['allocations']
}> {
  const find = poolFinder([...pools.all().values()])
  for (const { cidr, allocations } of blocks.all().values()) {
    const pool = find(trustedCIDR(cidr))
    if (pool !== undefined) yield { pool: pool.name, allocations }
  }
}
