/**
 * Which pools of a service serve a pod now, in the order of the service's list. A pool that is also
 * listed as disabled drains: it gives nothing new. Unlike pools that a pod names itself, members
 * keep their selectors, so that a service may span racks. Whatever cannot serve is skipped with a
 * reason in words; only when nothing is left does the pod fail, and then people read the reasons.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import { parseCIDRMasked } from '../ip/cidr.ts'
import type { IPPool } from '../model/ip-pool.ts'
import { type Labels, selects } from '../model/selector.ts'
import { parseSelector } from '../model/selector-parser.ts'
import { allowsUse } from './select-pools.ts'

export interface ServiceMembersRequest {
  readonly family: 4 | 6
  /** Names, in order of preference. */
  readonly listed: ReadonlyArray<string>
  /** Names that drain, whether listed or not. */
  readonly draining: ReadonlyArray<string>
  /** Every pool there is. */
  readonly pools: ReadonlyArray<IPPool>
  readonly nodeLabels: Labels
  readonly namespaceLabels: Labels
}

/** One listed pool: the CIDR to ask for, or why it cannot serve. */
export type ServiceMember =
  | { readonly name: string; readonly cidr: string }
  | { readonly name: string; readonly reason: string }

const selectorProblem = (what: string, text: string | undefined, labels: Labels) => {
  if (text === undefined || text === '' || text === 'all()') return undefined
  const parsed = parseSelector(text)
  if (isLeft(parsed)) return `its ${what}Selector cannot be read: ${parsed.left.message}`
  return selects(parsed.right, labels)
    ? undefined
    : `its ${what}Selector does not match the ${what}`
}

const problemOf = (pool: IPPool, request: ServiceMembersRequest): string | undefined => {
  const { family, draining, nodeLabels, namespaceLabels } = request
  const cidr = parseCIDRMasked(pool.cidr)
  if (isLeft(cidr)) return 'its CIDR cannot be read'
  if (cidr.right.family !== family) return `it is an IPv${cidr.right.family} pool`
  if (draining.includes(pool.name)) return 'it drains: the service lists it as disabled'
  if (pool.disabled) return 'it is disabled'
  if (pool.terminating) return 'it is being deleted'
  if (!pool.allocatable) return 'it is not allocatable'
  if (!allowsUse(pool, 'Workload')) return 'it is not allowed for pods'
  return (
    selectorProblem('node', pool.nodeSelector, nodeLabels) ??
    selectorProblem('namespace', pool.namespaceSelector, namespaceLabels)
  )
}

/** Every listed pool once, in list order. */
export const serviceMembers = (request: ServiceMembersRequest): ReadonlyArray<ServiceMember> =>
  [...new Set(request.listed)].map((name) => {
    const pool = request.pools.find((one) => one.name === name)
    const reason = pool === undefined ? 'there is no pool of this name' : problemOf(pool, request)
    return reason === undefined ? { name, cidr: (pool as IPPool).cidr } : { name, reason }
  })
