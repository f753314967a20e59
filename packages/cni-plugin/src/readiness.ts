/**
 * Whether the cluster lets plugins work: the ClusterInformation object that Calico's tools lock
 * during migrations, and the URLs an operator may have configured to wait for.
 */
import type { KeyValue } from '@hc-calico/ipam-core/ports'
import type { PluginConfig } from './config.ts'
import type { Machine } from './machine.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'

export const clusterInformation = { get: { kind: 'ClusterInformation' } } as const

const notReady = (sentence: string) => new CNIFailure(cniErrorCode.tryAgainLater, sentence)

/** Throws code 11. On the local datastore nobody makes the object, so there its absence is ready. */
export const requireReady = (
  config: PluginConfig,
  found: KeyValue<'ClusterInformation'> | undefined,
): void => {
  if (found === undefined) {
    if (config.datastore.type === 'local') return
    throw notReady(
      'error getting ClusterInformation: resource does not exist: ClusterInformation(default); is Calico installed in this datastore?',
    )
  }
  if (found.value.datastoreReady === true) return
  throw notReady(
    found.value.datastoreReady === false
      ? 'Calico is currently not ready to process requests'
      : 'Calico is currently not ready to process requests: ClusterInformation "default" does not say datastoreReady',
  )
}

const gatePauseMs = 5_000
const gateWaitMsMax = 30_000

const isOpen = async (machine: Machine, url: string): Promise<boolean> => {
  try {
    const status = await machine.httpStatus(url, gatePauseMs)
    return status >= 200 && status < 400
  } catch {
    return false
  }
}

const awaitGate = async (machine: Machine, url: string): Promise<void> => {
  const attemptsMax = gateWaitMsMax / gatePauseMs
  for (let attempt = 0; attempt <= attemptsMax; attempt += 1) {
    if (await isOpen(machine, url)) return
    if (attempt < attemptsMax) await machine.clock.sleep(gatePauseMs)
  }
  // Without user, password and query: those of a URL may be secrets.
  const { origin, pathname } = new URL(url)
  throw notReady(
    `readiness gate ${origin}${pathname} did not become ready within ${gateWaitMsMax / 1000} s`,
  )
}

/** Waits until every gate answers 200 to 399. Throws code 11 after `gateWaitMsMax`. */
export const awaitReadinessGates = async (
  machine: Machine,
  urls: ReadonlyArray<string>,
): Promise<void> => {
  await Promise.all(urls.map((url) => awaitGate(machine, url)))
}
