/** Allocations and blocks counted by pool and node, as Calico's metrics count them. */
import { trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { PoolFinder } from './pool-usage.ts'

/** Label values of Calico for what has no pool, names no node, belongs to nobody. */
export const noPool = 'no_ippool'
export const unknownNode = 'unknown_node'
export const noAffinity = 'no_affinity'

export interface CountedBlock {
  readonly cidr: string
  readonly affinity?: string
  readonly allocations: ReadonlyArray<{
    readonly attributes: Readonly<Record<string, string>>
    readonly fixed?: { readonly holder?: unknown }
  }>
}

export interface NodeTally {
  inUse: number
  borrowed: number
  blocks: number
}

export interface PoolTally {
  /** By node; `unknown_node`, `no_affinity`. */
  readonly nodes: ReadonlyMap<string, NodeTally>
  readonly fixedHeld: number
  readonly fixedParked: number
}

interface Draft {
  readonly nodes: Map<string, NodeTally>
  fixedHeld: number
  fixedParked: number
}

const ofNode = ({ nodes }: Draft, node: string): NodeTally => {
  const known = nodes.get(node)
  if (known !== undefined) return known
  const fresh = { inUse: 0, borrowed: 0, blocks: 0 }
  nodes.set(node, fresh)
  return fresh
}

/** The name in `host:{node}` or `virtual:{name}`. */
const ownerName = (affinity: string | undefined): string | undefined =>
  affinity?.slice(affinity.indexOf(':') + 1)

const countBlock = (draft: Draft, { affinity, allocations }: CountedBlock): void => {
  const owner = ownerName(affinity)
  ofNode(draft, owner ?? noAffinity).blocks += 1
  for (const { attributes, fixed } of allocations) {
    const { node } = attributes
    const tally = ofNode(draft, node ?? unknownNode)
    tally.inUse += 1
    if (node !== undefined && node !== owner) tally.borrowed += 1
    if (fixed === undefined) continue
    if (fixed.holder === undefined) draft.fixedParked += 1
    else draft.fixedHeld += 1
  }
}

/** By pool; blocks outside every pool under `no_ippool`. */
export const tallyIPAM = (
  blocks: Iterable<CountedBlock>,
  find: PoolFinder,
): ReadonlyMap<string, PoolTally> => {
  const pools = new Map<string, Draft>()
  for (const block of blocks) {
    const name = find(trustedCIDR(block.cidr))?.name ?? noPool
    const draft = pools.get(name) ?? { nodes: new Map(), fixedHeld: 0, fixedParked: 0 }
    pools.set(name, draft)
    countBlock(draft, block)
  }
  return pools
}
