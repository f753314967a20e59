/**
 * Which pools serve a request, in order of preference. Pools that the request names are used
 * unconditionally, in its order: selectors and assignment mode are ignored, because naming pools is
 * older than selectors. Otherwise every enabled pool whose selectors match serves, in name order.
 * What the addresses are for narrows both.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { bitsOf, type IPAddress, type IPFamily } from '../ip/address.ts'
import {
  type CIDR,
  containsAddress,
  containsCIDR,
  formatCIDR,
  parseCIDRMasked,
} from '../ip/cidr.ts'
import type { IPPool, IPPoolUse } from '../model/ip-pool.ts'
import { type Labels, selects } from '../model/selector.ts'
import { parseSelector } from '../model/selector-parser.ts'

export interface PoolRequest {
  /** Every pool, in name order, as the datastore lists them. */
  readonly pools: ReadonlyArray<IPPool>
  readonly family: IPFamily
  /** CIDRs of the pools to use; empty: all that select the node and the namespace. */
  readonly requested: ReadonlyArray<string>
  readonly use: IPPoolUse
  /** For the message when no pool serves it. */
  readonly host: string
  /** Ignored for LoadBalancer, which no node asks for. */
  readonly nodeLabels: Labels
  /** Absent: no labels. */
  readonly namespaceLabels?: Labels
  /** Addresses kept at the ends of every new block: blocks too small for them do not qualify. */
  readonly hostReserved?: { readonly startOfBlock: number; readonly endOfBlock: number }
}

export interface SelectedPools {
  /** To allocate from, in order of preference. Never empty. */
  readonly usable: ReadonlyArray<IPPool>
  /** All enabled pools of the family. */
  readonly enabled: ReadonlyArray<IPPool>
  /**
   * Enabled pools that this node's blocks may stay in: those that select the node or were asked
   * for. A block of the node in an enabled pool outside this list is given back when empty.
   */
  readonly selecting: ReadonlyArray<IPPool>
}

/** The pool's CIDR, or undefined where a stored pool has none that can be read. */
const cidrOf = (pool: IPPool): CIDR | undefined => {
  const parsed = parseCIDRMasked(pool.cidr)
  return isLeft(parsed) ? undefined : parsed.right
}

/** Pools that give out addresses: valid, not disabled, not going away. Both families by default. */
export const enabledPools = (
  pools: ReadonlyArray<IPPool>,
  family?: IPFamily,
): ReadonlyArray<IPPool> =>
  pools.filter((pool) => {
    if (pool.disabled || pool.terminating || !pool.allocatable) return false
    const cidr = cidrOf(pool)
    return cidr !== undefined && (family === undefined || cidr.family === family)
  })

/** The first pool that contains the address. */
export const poolOfAddress = (
  pools: ReadonlyArray<IPPool>,
  address: IPAddress,
): IPPool | undefined =>
  pools.find((pool) => {
    const cidr = cidrOf(pool)
    return cidr !== undefined && containsAddress(cidr, address)
  })

/** The first pool that contains the whole CIDR. */
export const poolOfCIDR = (pools: ReadonlyArray<IPPool>, inner: CIDR): IPPool | undefined =>
  pools.find((pool) => {
    const cidr = cidrOf(pool)
    return cidr !== undefined && containsCIDR(cidr, inner)
  })

/** Whether the pool's addresses may be used so; a pool that does not say serves pods and tunnels. */
export const allowsUse = (pool: IPPool, use: IPPoolUse): boolean =>
  pool.allowedUses.length === 0 ? use !== 'LoadBalancer' : pool.allowedUses.includes(use)

/** Whether a selector of a pool matches; refuses one that cannot be parsed. */
const matches = (
  pool: IPPool,
  field: 'nodeSelector' | 'namespaceSelector',
  labels: Labels,
): Either<Refusal, boolean> => {
  const text = pool[field] ?? ''
  if (text === '' || text === 'all()') return right(true)
  const parsed = parseSelector(text)
  if (isLeft(parsed)) {
    return left(refuse('PoolNotUsable', `${field} of pool ${pool.name}: ${parsed.left.message}`))
  }
  return right(selects(parsed.right, labels))
}

/** Whether the pool selects the node; a selector that nobody can parse is taken to. */
export const poolSelectsNode = (pool: IPPool, nodeLabels: Labels): boolean => {
  const matched = matches(pool, 'nodeSelector', nodeLabels)
  return isLeft(matched) || matched.right
}

/** Longest prefix of a block that has room for the reserved addresses and one more. */
const prefixLengthMax = ({ family, hostReserved }: PoolRequest): number => {
  const kept = (hostReserved?.startOfBlock ?? 0) + (hostReserved?.endOfBlock ?? 0)
  const bits = kept === 0 ? 0 : Math.floor(Math.log2(kept)) + 1
  return bitsOf(family) - bits
}

const requestedPools = (
  request: PoolRequest,
  qualified: ReadonlyArray<IPPool>,
): Either<Refusal, ReadonlyArray<IPPool>> => {
  const { family } = request
  const found = new Set<IPPool>()
  for (const text of request.requested) {
    const cidr = parseCIDRMasked(text)
    if (isLeft(cidr)) return left(refuse('InvalidRequest', cidr.left.message))
    if (cidr.right.family !== family) {
      const other = family === 4 ? 6 : 4
      const message = `provided IPv${family} IPPools list contains one or more IPv${other} IPPools`
      return left(refuse('InvalidRequest', message))
    }
    const canonical = formatCIDR(cidr.right)
    const pool = qualified.find((one) => one.cidr === canonical)
    if (pool === undefined) {
      const message = `the given pool (${canonical}) does not exist, or is not enabled`
      return left(refuse('PoolNotUsable', message, { pool: canonical }))
    }
    found.add(pool)
  }
  return right([...found])
}

/** Enabled pools whose assignment mode and selectors say yes. */
const automaticPools = (
  request: PoolRequest,
  enabled: ReadonlyArray<IPPool>,
): Either<Refusal, ReadonlyArray<IPPool>> => {
  const found: IPPool[] = []
  for (const pool of enabled) {
    if (pool.assignmentMode !== 'Automatic') continue
    const node = matches(pool, 'nodeSelector', nodeLabelsOf(request))
    if (isLeft(node)) return node
    if (!node.right) continue
    const namespace = matches(pool, 'namespaceSelector', request.namespaceLabels ?? {})
    if (isLeft(namespace)) return namespace
    if (namespace.right) found.push(pool)
  }
  return right(found)
}

const nodeLabelsOf = (request: PoolRequest): Labels =>
  request.use === 'LoadBalancer' ? {} : request.nodeLabels

/** Calico's words, and what to look at: pools, or the blocks of those there are. */
const noneQualifies = ({ family }: PoolRequest, enabled: ReadonlyArray<IPPool>): Refusal => {
  const why =
    enabled.length === 0
      ? `no IPv${family} pool is enabled`
      : `the blocks of every enabled IPv${family} pool are too small for the addresses reserved in each`
  return refuse('NoQualifiedPool', `cannot find a qualified ippool: ${why}`, {
    family: `${family}`,
  })
}

/** The pools of one family for a request, or why none serves. */
export const selectPools = (request: PoolRequest): Either<Refusal, SelectedPools> => {
  const enabled = enabledPools(request.pools, request.family)
  const blockSizeMax = prefixLengthMax(request)
  const qualified = enabled.filter((pool) => pool.blockSize <= blockSizeMax)
  const isNamed = request.requested.length > 0
  // In this order: a wrong request is a clearer answer than the lack of pools it may come from.
  const chosen = isNamed ? requestedPools(request, qualified) : automaticPools(request, enabled)
  if (isLeft(chosen) && chosen.left.tag === 'InvalidRequest') return chosen
  if (qualified.length === 0) return left(noneQualifies(request, enabled))
  if (isLeft(chosen)) return chosen
  if (chosen.right.length === 0) {
    return left(refuse('NoPoolForNode', `no configured Calico pools for node ${request.host}`))
  }
  const usable = chosen.right.filter((pool) => allowsUse(pool, request.use))
  if (usable.length === 0) {
    const message = `cannot find a qualified ippool, no pools match the required use (${request.use})`
    return left(refuse('NoQualifiedPool', message))
  }
  const labels = nodeLabelsOf(request)
  const asked = new Set(isNamed ? chosen.right : [])
  const selecting = enabled.filter((pool) => asked.has(pool) || poolSelectsNode(pool, labels))
  return right({ usable, enabled, selecting })
}
