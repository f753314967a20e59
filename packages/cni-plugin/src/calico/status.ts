/**
 * STATUS of the main plugin: would an ADD for some pod work now? Reads only. Whatever stands in the
 * way is code 50 with the reason: containers that run keep their network without us.
 */
import { isOurIPAM } from '../address-plan.ts'
import { requireRoom } from '../calico-ipam/status.ts'
import { readAll } from '../datastore-access.ts'
import { clusterInformation, requireReady } from '../readiness.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { runForeign } from './foreign-ipam.ts'
import { mtuOf } from './wiring.ts'

export const reportStatus = async (session: Session): Promise<void> => {
  const { config, machine } = session
  if (config.ipam.type === undefined) {
    throw new CNIFailure(cniErrorCode.notAvailable, 'ipam.type is missing')
  }
  await mtuOf(config, machine)
  await machine.dataplane(session.log)
  const [ready] = await readAll(await session.datastore(), [clusterInformation])
  requireReady(config, ready)
  if (isOurIPAM(config.ipam.type)) await requireRoom(session)
  else await runForeign(session, 'STATUS')
}
