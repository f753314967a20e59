/**
 * GC of the main plugin: endpoints, links and addresses of this node's containers that the runtime
 * does not know any more. The runtime runs no ADD or DEL meanwhile (CNI 1.1.0), and still every
 * removal states the version it saw.
 */
import type { KeyValue } from '@hc-calico/ipam-core/ports'
import { isOurIPAM } from '../address-plan.ts'
import { findStale, releaseStale } from '../calico-ipam/gc.ts'
import { readAll } from '../datastore-access.ts'
import type { Session } from '../session.ts'
import { interfaceNameProblem } from '../skel/command-args.ts'
import { deleteEndpoint } from './endpoint-store.ts'
import { runForeign } from './foreign-ipam.ts'

type StoredEndpoint = KeyValue<'WorkloadEndpoint'>

/**
 * Endpoints do not name their network. One is ours to collect when its container holds a stale
 * allocation of this network, or when the network's profile is on it.
 */
const isStale = (
  { value }: StoredEndpoint,
  session: Session,
  staleContainers: ReadonlySet<string>,
): boolean => {
  const { containerID } = value
  if (value.node !== session.node || containerID === undefined || containerID === '') return false
  const valid = session.call.conf.validAttachments ?? []
  if (valid.some((one) => one.containerID === containerID)) return false
  return staleContainers.has(containerID) || value.profiles.includes(session.config.network)
}

/** A stored document must not be able to name just any link of this host. */
const isWorkloadInterface = (name: string, session: Session): boolean =>
  interfaceNameProblem(name) === undefined &&
  [session.config.interfacePrefix, 'cali'].some(
    (prefix) => name.startsWith(prefix) && name.length === prefix.length + 11,
  )

/** The link goes after its endpoint: whoever changed the endpoint meanwhile keeps both. */
const collectEndpoint = async (session: Session, stale: StoredEndpoint): Promise<void> => {
  const { containerID, interfaceName } = stale.value
  const isItsOwn = (owner: string | undefined) => owner === containerID
  if (!(await deleteEndpoint(session, stale.value, isItsOwn, stale))) return
  session.log.info('Collected', { endpoint: stale.value.name, containerID })
  if (interfaceName === undefined || !isWorkloadInterface(interfaceName, session)) return
  const dataplane = await session.machine.dataplane(session.log)
  await dataplane.deleteHostInterface(interfaceName)
}

const collectEndpoints = async (
  session: Session,
  staleContainers: ReadonlySet<string>,
): Promise<void> => {
  // On Kubernetes an endpoint is the pod itself; it goes with the pod.
  if (session.config.datastore.type === 'kubernetes') return
  const datastore = await session.datastore()
  const [endpoints] = await readAll(datastore, [{ list: 'WorkloadEndpoint' }])
  for (const endpoint of endpoints.filter((one) => isStale(one, session, staleContainers))) {
    await collectEndpoint(session, endpoint)
  }
}

export const collectWorkloads = async (session: Session): Promise<void> => {
  if (!isOurIPAM(session.config.ipam.type)) {
    await collectEndpoints(session, new Set())
    if (session.config.ipam.type !== undefined) await runForeign(session, 'GC')
    return
  }
  const stale = await findStale(session)
  await collectEndpoints(session, new Set(stale.map((one) => one.containerID)))
  await releaseStale(session, stale)
}
