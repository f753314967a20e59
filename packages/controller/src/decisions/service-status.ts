/**
 * What the status of a ServiceIPPool says: every pool that it names with its state, and what the
 * serving ones have together. Whether a node or namespace selector lets a pool serve depends on the
 * pod, so here only what holds for every pod makes a pool unfit.
 */
import type {
  ServiceIPPool,
  ServiceIPPoolStatus,
  ServicePoolMember,
} from '@hc-calico/crd-types/harmonycloud'
import { serviceMembers } from '@hc-calico/ipam-core'
import { parseSelector } from '@hc-calico/ipam-core/fp'
import type { Values } from '@hc-calico/ipam-core/ports'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { PoolUsage } from './pool-usage.ts'
import { serviceConditions } from './service-conditions.ts'

/** Addresses of a service's pods, by pool; `fixed` are among `all`. */
export interface HeldAddresses {
  readonly all: ReadonlyMap<string, number>
  readonly fixed: ReadonlyMap<string, number>
  /** Pods of the service that also name pools themselves, which does not count. */
  readonly overriding: number
}

export const noneHeld: HeldAddresses = { all: new Map(), fixed: new Map(), overriding: 0 }

export interface ServiceStatusSituation {
  readonly service: ServiceIPPool
  readonly generation: number
  /** By name. */
  readonly pools: ReadonlyMap<string, Values['IPPool']>
  readonly usage: ReadonlyMap<string, PoolUsage>
  readonly held: HeldAddresses
  /** RFC 3339, whole seconds. */
  readonly now: string
}

interface Named {
  readonly name: string
  readonly family: 4 | 6
  readonly isDraining: boolean
}

const namedIn = (
  family: 4 | 6,
  listed: ReadonlyArray<string>,
  disabled: ReadonlyArray<string>,
): ReadonlyArray<Named> =>
  [...new Set([...listed, ...disabled])].map((name) => ({
    name,
    family,
    isDraining: disabled.includes(name),
  }))

/** Every pool that is named, IPv4 first, in list order; those only listed as disabled come last. */
const namedPools = (service: ServiceIPPool): ReadonlyArray<Named> => [
  ...namedIn(4, service.ipv4Pools, service.disabledIPv4Pools),
  ...namedIn(6, service.ipv6Pools, service.disabledIPv6Pools),
]

const unreadableSelector = (pool: Values['IPPool']): string | undefined => {
  const { nodeSelector, namespaceSelector = '' } = pool
  for (const [what, text] of [['node', nodeSelector] as const, ['namespace', namespaceSelector]]) {
    if (text === undefined || text === '') continue
    const selector = parseSelector(text)
    if (isLeft(selector)) return `its ${what}Selector cannot be read: ${selector.left.message}`
  }
  return undefined
}

/** Why the pool can serve no pod at all. */
const faultOf = (pool: Values['IPPool'], family: 4 | 6): string | undefined => {
  const { namespaceSelector: _, ...rest } = pool
  const anywhere = { ...rest, nodeSelector: 'all()' }
  const labels = { nodeLabels: {}, namespaceLabels: {} }
  const request = { family, listed: [pool.name], draining: [], pools: [anywhere], ...labels }
  const [member] = serviceMembers(request)
  if (member !== undefined && 'reason' in member) return member.reason
  return unreadableSelector(pool)
}

const stateOf = (
  { family, isDraining }: Named,
  pool: Values['IPPool'] | undefined,
  free: number,
  held: number,
): Pick<ServicePoolMember, 'state' | 'reason'> => {
  if (pool === undefined) return { state: 'Unknown', reason: 'there is no pool of this name' }
  if (isDraining) {
    const reason = 'the service lists it as disabled'
    return { state: held > 0 ? 'Draining' : 'Drained', reason }
  }
  const reason = faultOf(pool, family)
  if (reason !== undefined) return { state: pool.disabled ? 'Disabled' : 'Unfit', reason }
  return free === 0 ? { state: 'Full', reason: 'it is full' } : { state: 'Serving' }
}

/** What a number can count exactly is the most that is told. */
const told = (count: bigint): number =>
  count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count)

const memberOf = (named: Named, situation: ServiceStatusSituation): ServicePoolMember => {
  const { name } = named
  const { pools, usage, held } = situation
  const use = usage.get(name)
  const holds = held.all.get(name) ?? 0
  const free = told(use?.free ?? 0n)
  const { state, reason } = stateOf(named, pools.get(name), free, holds)
  return {
    name,
    state,
    ...(use && { total: told(use.used + use.free), used: told(use.used), free }),
    held: holds,
    ...(reason === undefined ? {} : { reason }),
  }
}

const sum = (members: ReadonlyArray<ServicePoolMember>, field: 'total' | 'used' | 'free'): number =>
  Math.min(
    Number.MAX_SAFE_INTEGER,
    members.reduce((total, member) => total + (member[field] ?? 0), 0),
  )

const canServe = ({ state }: ServicePoolMember): boolean => state === 'Serving' || state === 'Full'

/** The status as it should be now. Conditions that stay as they are keep their time. */
export const serviceStatus = (situation: ServiceStatusSituation): ServiceIPPoolStatus => {
  const { service, generation, held, now } = situation
  const named = namedPools(service)
  const members = named.map((one) => memberOf(one, situation))
  const serving = members.filter(canServe)
  return {
    total: sum(serving, 'total'),
    used: sum(serving, 'used'),
    free: sum(serving, 'free'),
    observedGeneration: generation,
    members,
    conditions: serviceConditions({
      members: members.map((member, i) => ({ ...member, family: named[i]?.family ?? 4 })),
      held,
      before: service.status?.conditions ?? [],
      generation,
      now,
    }),
  }
}
