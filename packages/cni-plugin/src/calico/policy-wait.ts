/**
 * Waits until Felix has written the endpoint's status file, that is, until policy is in place,
 * where the operator asked for it. Not getting it in time is logged, never an error.
 */
import { join } from 'node:path'
import type { Identity } from '../identity.ts'
import type { Session } from '../session.ts'

const pollMs = 100

/** Three escaped parts and spaces: `k8s default%2Fweb-0 eth0`. */
export const statusFileName = (identity: Identity, endpoint: string): string => {
  const workload = `${identity.namespace}/${identity.pod ?? identity.containerID}`
  return [identity.orchestrator, workload, endpoint].map(encodeURIComponent).join(' ')
}

export const awaitPolicy = async (
  session: Session,
  identity: Identity,
  endpoint: string,
): Promise<void> => {
  const { policySetupTimeoutSeconds, endpointStatusDir } = session.config
  if (policySetupTimeoutSeconds === 0) return
  const file = join(endpointStatusDir, statusFileName(identity, endpoint))
  const attemptsMax = (policySetupTimeoutSeconds * 1000) / pollMs
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if ((await session.machine.readText(file, 1)) !== undefined) return
    await session.machine.clock.sleep(pollMs)
  }
  session.log.warning('Policy was not in place in time; the container starts all the same', {
    file,
  })
}
