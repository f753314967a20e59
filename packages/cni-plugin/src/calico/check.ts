/**
 * CHECK of the main plugin: what ADD reported against the datastore (who owns the addresses, what
 * the endpoint says) and against the kernel (link, addresses, routes). All differences at once.
 */
import { isOurIPAM, planAddresses } from '../address-plan.ts'
import { addressOf, asHostCIDR } from '../addresses.ts'
import { addressProblems, checkFailure } from '../calico-ipam/check.ts'
import { hostInterfaceFor, type Identity, identify } from '../identity.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import type { Result, ResultInterface } from '../skel/result.ts'
import type { Endpoint } from './endpoint.ts'
import { readForDelete } from './endpoint-store.ts'
import { runForeign } from './foreign-ipam.ts'
import { containerRoutes, requireNamespace } from './wiring.ts'

interface Reported {
  /** The container's own; other plugins of the chain may have added some on other interfaces. */
  readonly addresses: ReadonlyArray<string>
  readonly container: ResultInterface | undefined
}

const reportedBy = (session: Session, previous: Result): Reported => {
  const { netns, ifName } = session.call.args
  const index = previous.interfaces.findIndex((one) => one.name === ifName && one.sandbox === netns)
  const own = previous.ips.filter((ip) => ip.interface === undefined || ip.interface === index)
  if (own.length === 0) {
    throw new CNIFailure(
      cniErrorCode.invalidNetworkConfig,
      `invalid network configuration: prevResult has no ips on the interface ${ifName} in ${netns}`,
    )
  }
  return {
    addresses: own.map((ip) => addressOf(ip.address)),
    container: previous.interfaces[index],
  }
}

const endpointProblems = (
  identity: Identity,
  endpoint: Endpoint | undefined,
  reported: Reported,
): ReadonlyArray<string> => {
  if (endpoint === undefined) return ['the workload endpoint is missing']
  const name = `workload endpoint ${endpoint.namespace}/${endpoint.name}`
  if (endpoint.containerID !== identity.containerID) {
    return [`${name} belongs to container ${endpoint.containerID ?? '(none)'}`]
  }
  const wanted = reported.addresses.map(asHostCIDR)
  if ([...endpoint.ipNetworks].sort().join() === [...wanted].sort().join()) return []
  return [`${name} has ${endpoint.ipNetworks.join(', ')}, but prevResult has ${wanted.join(', ')}`]
}

const ipamProblems = async (
  session: Session,
  identity: Identity,
  reported: Reported,
): Promise<ReadonlyArray<string>> => {
  if (!isOurIPAM(session.config.ipam.type)) {
    await runForeign(session, 'CHECK')
    return []
  }
  const facts = await session.workloads.lookUp(identity)
  const plan = planAddresses(session.config, session.call.cniArgs, facts)
  return plan.tag === 'PastIPAM' ? [] : addressProblems(session, identity, reported.addresses)
}

const kernelProblems = async (
  session: Session,
  identity: Identity,
  { addresses, container }: Reported,
): Promise<ReadonlyArray<string>> => {
  const { config, call, machine } = session
  const dataplane = await machine.dataplane(session.log)
  await requireNamespace(dataplane, call.args.netns)
  return dataplane.checkWorkload({
    netns: call.args.netns,
    containerInterface: call.args.ifName,
    hostInterface: hostInterfaceFor(identity, config.interfacePrefix),
    addresses,
    routes: containerRoutes(config, addresses),
    ...(container?.mac === undefined ? {} : { containerMAC: container.mac.toLowerCase() }),
    ...(container?.mtu === undefined || container.mtu === 0 ? {} : { mtu: container.mtu }),
    skipHostRoutes: false,
  })
}

export const checkWorkload = async (session: Session): Promise<void> => {
  const identity = identify(session.call, session.config, session.node)
  const previous = session.call.conf.prevResult
  if (previous === undefined) throw new Error('bug: CHECK without prevResult is refused before')
  const reported = reportedBy(session, previous)
  const inKernel = await kernelProblems(session, identity, reported)
  const endpoint = await readForDelete(session, identity)
  const problems = [
    ...inKernel,
    ...endpointProblems(identity, endpoint?.value, reported),
    ...(await ipamProblems(session, identity, reported)),
  ]
  if (problems.length > 0) throw checkFailure(problems)
}
