/**
 * STATUS of the IPAM plugin: is there, in each family that the configuration wants, an address that
 * this node could give? Nothing is written; the reason is the one that ADD would give.
 */
import type { AutoAssignRequest } from '@hc-calico/ipam-core'
import { planAddresses } from '../address-plan.ts'
import { asCNIFailure } from '../failures.ts'
import { ipamOn } from '../ipam-access.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { unknownWorkload } from '../workload-source.ts'
import { isCalico } from './add.ts'
import { gatewayReservations, shortage } from './assign.ts'
import { dryRunOn, probeAttribute } from './dry-run.ts'
import { resolvePools } from './resolve-pools.ts'

const notAvailable = (reason: string): CNIFailure =>
  new CNIFailure(cniErrorCode.notAvailable, reason)

/** Why there is no address of this family; undefined: there is one. */
const obstacle = async (
  session: Session,
  request: AutoAssignRequest,
): Promise<string | undefined> => {
  const dryRun = dryRunOn(await session.datastore())
  try {
    const { v4, v6 } = await ipamOn(session, dryRun.datastore).autoAssign(request)
    return shortage(4, v4) ?? shortage(6, v6)
  } catch (error) {
    if (dryRun.foundRoom()) return undefined
    return asCNIFailure(error).message
  }
}

const withFamily = (family: 4 | 6, reason: string): string =>
  reason.includes(`IPv${family}`) ? reason : `IPv${family}: ${reason}`

/** Throws code 50 with the reason, for every family that has no room. */
export const requireRoom = async (session: Session): Promise<void> => {
  const { config, node } = session
  const plan = planAddresses(config, new Map(), unknownWorkload)
  if (plan.tag !== 'Automatic') throw new Error('bug: without annotations the plan is automatic')
  const [ipv4Pools, ipv6Pools] = await resolvePools(await session.datastore(), plan)
  const common = {
    host: node,
    attrs: probeAttribute,
    intendedUse: 'Workload' as const,
    ...(isCalico(config.mainPlugin) ? {} : gatewayReservations),
  }
  const wanted: ReadonlyArray<readonly [4 | 6, AutoAssignRequest]> = [
    ...(plan.v4 ? [[4, { ...common, num4: 1, ipv4Pools }] as const] : []),
    ...(plan.v6 ? [[6, { ...common, num6: 1, ipv6Pools }] as const] : []),
  ]
  const reasons = await Promise.all(
    wanted.map(async ([family, request]) => {
      const reason = await obstacle(session, request)
      return reason === undefined ? [] : [withFamily(family, reason)]
    }),
  )
  if (reasons.flat().length > 0) throw notAvailable(reasons.flat().join('; '))
}
