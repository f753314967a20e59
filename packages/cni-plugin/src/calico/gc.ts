/**
 * GC of the main plugin: endpoints, links and addresses of this node's containers that the runtime
 * does not know any more. The runtime runs no ADD or DEL meanwhile (CNI 1.1.0), and still every
 * removal states the version it saw.
 */
import type { KeyValue } from '@hc-calico/ipam-core/ports'
import { isOurIPAM } from '../address-plan.ts'
import { findStale, parkStranded, releaseStale, type StaleAllocation } from '../calico-ipam/gc.ts'
import { readAll } from '../datastore-access.ts'
import { endpointNamePrefix, handleIDFor, hostInterfaceFor, type Identity } from '../identity.ts'
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

const identityOf = (
  session: Session,
  containerID: string,
  pod: NonNullable<StaleAllocation['pod']>,
): Identity => ({
  orchestrator: 'k8s',
  namespace: pod.namespace,
  pod: pod.name,
  node: session.node,
  containerID,
  endpoint: 'eth0',
  handleID: handleIDFor(session.config.network, containerID),
  legacyHandleID: `${pod.namespace}.${pod.name}`,
})

/**
 * On Kubernetes an endpoint is the pod itself: it is asked for by name, for which the plugin has the
 * permission. Where the pod is gone, or runs on another node now, only the link is left of it here.
 */
const collectOfPod = async (session: Session, stale: StaleAllocation): Promise<void> => {
  const { containerID, pod } = stale
  if (pod === undefined) return
  const identity = identityOf(session, containerID, pod)
  const where = { namespace: pod.namespace, namePrefix: endpointNamePrefix(identity) }
  const [found] = await readAll(await session.datastore(), [{ list: 'WorkloadEndpoint', where }])
  const [endpoint] = found
  if (endpoint === undefined) {
    const dataplane = await session.machine.dataplane(session.log)
    await dataplane.deleteHostInterface(hostInterfaceFor(identity, session.config.interfacePrefix))
  } else if (endpoint.value.containerID === containerID) await collectEndpoint(session, endpoint)
}

const collectOfPods = async (
  session: Session,
  stale: ReadonlyArray<StaleAllocation>,
): Promise<void> => {
  const once = new Map(stale.map((one) => [one.containerID, one]))
  for (const one of once.values()) await collectOfPod(session, one)
}

const collectEndpoints = async (
  session: Session,
  stale: ReadonlyArray<StaleAllocation>,
): Promise<void> => {
  if (session.config.datastore.type === 'kubernetes') return collectOfPods(session, stale)
  const staleContainers = new Set(stale.map((one) => one.containerID))
  const datastore = await session.datastore()
  const [endpoints] = await readAll(datastore, [{ list: 'WorkloadEndpoint' }])
  for (const endpoint of endpoints.filter((one) => isStale(one, session, staleContainers))) {
    await collectEndpoint(session, endpoint)
  }
}

export const collectWorkloads = async (session: Session): Promise<void> => {
  if (!isOurIPAM(session.config.ipam.type)) {
    await collectEndpoints(session, [])
    if (session.config.ipam.type !== undefined) await runForeign(session, 'GC')
    return
  }
  const stale = await findStale(session)
  await collectEndpoints(session, stale)
  await releaseStale(session, stale)
  await parkStranded(session)
}
