/**
 * ADD of the main plugin: addresses, wiring, endpoint, in this order; a failure undoes what was
 * done, so that nothing is left behind. What can be refused is refused before anything is touched.
 */
import type { KeyValue } from '@hc-calico/ipam-core/ports'
import { addressOf } from '../addresses.ts'
import { allowedSourcePrefixes, annotatedMAC, floatingIPs, floatingPairs } from '../annotations.ts'
import type { Dataplane, WorkloadLink } from '../dataplane/dataplane.ts'
import { endpointName, hostInterfaceFor, type Identity, identify } from '../identity.ts'
import { awaitReadinessGates } from '../readiness.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import type { Result } from '../skel/result.ts'
import type { WorkloadFacts } from '../workload-source.ts'
import {
  type ContainerPlan,
  giveAddressesBack,
  planContainer,
  takeAddresses,
} from './container-ipam.ts'
import { type Endpoint, endpointFor } from './endpoint.ts'
import {
  addProfileToEndpoint,
  deleteEndpoint,
  ensureProfile,
  readSurroundings,
  type Surroundings,
  writeEndpoint,
} from './endpoint-store.ts'
import { awaitPolicy } from './policy-wait.ts'
import { addressesOf, containerRoutes, mtuOf, requireNamespace, resultOf } from './wiring.ts'

interface Prepared {
  readonly identity: Identity
  readonly facts: WorkloadFacts
  readonly plan: ContainerPlan
  readonly dataplane: Dataplane
  readonly mtu: number
  readonly containerMAC: string | undefined
}

/** Stand-ins of the families the pod will have; undefined: another IPAM plugin decides that. */
const plannedAddresses = (plan: ContainerPlan): ReadonlyArray<string> | undefined => {
  if (plan.tag === 'Foreign') return undefined
  if (plan.tag !== 'Automatic') return plan.ips
  return [...(plan.v4 ? ['0.0.0.0'] : []), ...(plan.v6 ? ['::'] : [])]
}

const checkFloatingIPs = (session: Session, facts: WorkloadFacts, plan: ContainerPlan): void => {
  const enabled = session.config.features.floatingIPs
  const planned = plannedAddresses(plan)
  if (planned === undefined) floatingIPs(facts, enabled)
  else floatingPairs(facts, enabled, planned)
}

/** Everything that can go wrong before the first write goes wrong here. */
const prepare = async (session: Session, identity: Identity): Promise<Prepared> => {
  const { call, config, machine } = session
  const facts = await session.workloads.lookUp(identity)
  const plan = await planContainer(session, identity, facts)
  const containerMAC = annotatedMAC(facts)
  allowedSourcePrefixes(facts)
  checkFloatingIPs(session, facts, plan)
  const mtu = await mtuOf(config, machine)
  const dataplane = await machine.dataplane(session.log)
  await requireNamespace(dataplane, call.args.netns)
  return { identity, facts, plan, dataplane, mtu, containerMAC }
}

/**
 * Calico's own behaviour would take the first interface away: both would carry the host name that
 * follows from the pod's name.
 */
const refuseSecondInterface = (
  identity: Identity,
  existing: KeyValue<'WorkloadEndpoint'> | undefined,
): void => {
  if (existing === undefined || existing.value.containerID !== identity.containerID) return
  if (existing.value.endpoint === identity.endpoint) return
  throw new CNIFailure(
    cniErrorCode.invalidEnvironment,
    `CNI_IFNAME "${identity.endpoint}": the container already has the interface "${existing.value.endpoint}" from this plugin, and it can have only one`,
  )
}

/** Outside Kubernetes, a container that joins a second network keeps its interface and addresses. */
const joinsAnotherNetwork = (
  session: Session,
  identity: Identity,
  existing: Endpoint | undefined,
): boolean =>
  identity.orchestrator === 'cni' &&
  existing !== undefined &&
  !existing.profiles.includes(session.config.network)

const resultOfEndpoint = (session: Session, endpoint: Endpoint): Result => {
  const { netns, ifName } = session.call.args
  const mac = endpoint.mac === undefined ? {} : { mac: endpoint.mac }
  return {
    interfaces: [{ name: endpoint.interfaceName ?? '' }, { name: ifName, ...mac, sandbox: netns }],
    ips: endpoint.ipNetworks.map((address) => ({ interface: 1, address })),
    routes: [],
    dns: {},
  }
}

const joinNetwork = async (
  session: Session,
  identity: Identity,
  { existing, hasProfile }: Surroundings,
): Promise<Result> => {
  if (existing === undefined) throw new Error('bug: nothing to join')
  if (!hasProfile) await ensureProfile(session, identity)
  await addProfileToEndpoint(session, existing)
  return resultOfEndpoint(session, existing.value)
}

const wire = async (session: Session, prepared: Prepared, ipam: Result): Promise<WorkloadLink> => {
  const { config, call } = session
  const { identity, dataplane, mtu, containerMAC } = prepared
  const addresses = addressesOf(ipam).map(addressOf)
  try {
    return await dataplane.addWorkload({
      netns: call.args.netns,
      containerInterface: call.args.ifName,
      hostInterface: hostInterfaceFor(identity, config.interfacePrefix),
      mtu,
      numQueues: config.numQueues,
      deviceType: config.deviceType,
      addresses,
      routes: containerRoutes(config, addresses),
      ...(containerMAC === undefined ? {} : { containerMAC }),
      allowIPForwarding: config.allowIPForwarding,
      // Upstream leaves some host routes to Felix; ours must also work where there is none.
      skipHostRoutes: false,
    })
  } catch (error) {
    throw new CNIFailure(
      cniErrorCode.wiringFailed,
      `error adding the interface ${call.args.ifName} to the container: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

/** How far an ADD came. */
interface Done {
  readonly wired: boolean
  /** Of the endpoint. */
  readonly name: string
}

/** Best effort, each part for itself: the error that led here is the one to report. */
const undo = async (session: Session, prepared: Prepared, done: Done): Promise<void> => {
  const { netns, ifName } = session.call.args
  const { identity, dataplane, plan } = prepared
  const attempt = async (what: string, body: () => Promise<void>): Promise<void> => {
    try {
      await body()
    } catch (error) {
      session.log.warning(`Clean-up: ${what} failed`, { reason: (error as Error).message })
    }
  }
  if (done.wired) {
    await attempt('removing the interface', () =>
      dataplane.deleteWorkload({ netns, containerInterface: ifName }),
    )
  }
  const { namespace, containerID } = identity
  await attempt('removing the endpoint', async () => {
    await deleteEndpoint(session, { namespace, name: done.name }, (owner) => owner === containerID)
  })
  await giveAddressesBack(session, identity, plan)
}

/** Addresses, link, endpoint. */
const setUp = async (
  session: Session,
  prepared: Prepared,
  { existing, hasProfile }: Surroundings,
): Promise<Result> => {
  const { identity, facts, plan } = prepared
  let wired = false
  try {
    const ipam = await takeAddresses(session, identity, facts, plan)
    const link = await wire(session, prepared, ipam)
    wired = true
    if (!hasProfile) await ensureProfile(session, identity)
    const endpoint = endpointFor({
      config: session.config,
      identity,
      facts,
      existing: existing?.value,
      addresses: addressesOf(ipam),
      hostInterface: link.hostInterface,
      mac: link.containerMAC,
    })
    await writeEndpoint(session, endpoint, existing)
    return resultOf(session, ipam, link)
  } catch (error) {
    const name = existing?.value.name ?? endpointName(identity)
    await undo(session, prepared, { wired, name })
    throw error
  }
}

/**
 * Facts about the pod and the endpoint it has do not depend on each other: where both come over the
 * network they are asked for together. The embedded datastore is opened (and made) only once
 * nothing is left to refuse.
 */
const readAhead = (session: Session, identity: Identity): Promise<Surroundings> | undefined => {
  if (session.config.datastore.type === 'local') return undefined
  const reading = readSurroundings(session, identity)
  // Its failure is reported when it is waited for; an earlier refusal counts more.
  reading.catch(() => undefined)
  return reading
}

export const addWorkload = async (session: Session): Promise<Result> => {
  const identity = identify(session.call, session.config, session.node)
  const reading = readAhead(session, identity)
  const prepared = await prepare(session, identity)
  const surroundings = await (reading ?? readSurroundings(session, identity))
  await awaitReadinessGates(session.machine, session.config.readinessGates)
  refuseSecondInterface(identity, surroundings.existing)
  if (joinsAnotherNetwork(session, identity, surroundings.existing?.value)) {
    return joinNetwork(session, identity, surroundings)
  }
  const result = await setUp(session, prepared, surroundings)
  await awaitPolicy(session, identity, surroundings.existing?.value.endpoint ?? identity.endpoint)
  session.log.info('Wired', {
    namespace: identity.namespace,
    pod: identity.pod,
    interface: result.interfaces[0]?.name,
    ips: result.ips.map((one) => one.address).join(','),
  })
  return result
}
