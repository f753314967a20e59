/**
 * A block of the host's own, before there is anybody to give an address to (Windows networks are
 * made from blocks). The search is that of automatic assignment with another purpose: an existing
 * block serves even when it is full, no limit counts, nothing is borrowed.
 */
import type { EnsureBlockRequest } from '../ipam.ts'
import {
  type AutoAssignOutcome,
  type AutoAssignProgress,
  autoAssignDecision,
} from './auto-assign.ts'
import type { AssignLimits } from './auto-assign-plan.ts'
import type { Decision } from './decision.ts'

export const ensureBlockDecision = (
  request: EnsureBlockRequest,
  limits: AssignLimits,
): Decision<AutoAssignProgress, AutoAssignOutcome> => {
  const { hostReservedAttrIPv4s, hostReservedAttrIPv6s } = request
  return autoAssignDecision(
    {
      ...request,
      intendedUse: 'Workload',
      num4: hostReservedAttrIPv4s === undefined ? 0 : 1,
      num6: hostReservedAttrIPv6s === undefined ? 0 : 1,
    },
    limits,
    'Ensure',
  )
}
