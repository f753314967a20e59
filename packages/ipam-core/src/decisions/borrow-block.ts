/**
 * When the host can get no block at all: single addresses from blocks of others. Their affinity
 * stays; the allocation's `node` attribute tells whose pod it is, and routes follow that. The walk
 * has read every block already, so full ones cost nothing.
 */
import { formatCIDR, trustedCIDR } from '../ip/cidr.ts'
import { attemptAt } from './allocation-attempt.ts'
import { blockAt, enter, type Ground, type Hunt, hasRoom, type Move, withMessage } from './hunt.ts'

/** The next move while addresses of others may be had. */
export const borrowStage = (ground: Ground, hunt: Hunt): Move => {
  for (let { cursor } = hunt; cursor < hunt.met.length; cursor += 1) {
    const cidr = hunt.met[cursor] as string
    const block = blockAt(ground, cidr)
    if (block.tag !== 'Stored' || !hasRoom(ground, block.stored.value)) continue
    const here: Hunt = { ...hunt, cursor }
    return attemptAt(ground, here, { cidr: trustedCIDR(cidr), stored: block.stored })
  }
  const pools = ground.plan.pools.map(({ cidr }) => formatCIDR(cidr)).join(' ')
  return enter(withMessage(hunt, `No IPs available in pools: [${pools}]`), 'Finish')
}
