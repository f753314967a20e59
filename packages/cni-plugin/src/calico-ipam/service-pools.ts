/**
 * ServiceIPPool: a service is bound to lists of pools that can change without a rolling update. The
 * pod names the object in the annotation of the first HC-Calico; its lists are read with every ADD,
 * so a change takes effect with the next one.
 */
import type { ServiceIPPool } from '@hc-calico/crd-types/harmonycloud'
import { type ServiceMember, serviceMembers } from '@hc-calico/ipam-core'
import { isResourceName } from '../config-fields.ts'
import { readAll } from '../datastore-access.ts'
import type { Identity } from '../identity.ts'
import type { AddressSession } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { quoted } from '../skel/command-args.ts'
import type { WorkloadFacts } from '../workload-source.ts'

export const serviceAnnotation = 'serviceIPPoolcrd'

/** The service's members per family; a family whose list is empty follows the older rules. */
export interface ServicePools {
  readonly name: string
  readonly v4: ReadonlyArray<ServiceMember>
  readonly v6: ReadonlyArray<ServiceMember>
}

const nameIn = (facts: WorkloadFacts): string | undefined => {
  const name = facts.pod.annotations[serviceAnnotation] ?? ''
  if (name === '') return undefined
  if (isResourceName(name)) return name
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    `annotation ${quoted(serviceAnnotation)} must be the name of a ServiceIPPool, but is ${quoted(name)}`,
  )
}

/**
 * In the pod's namespace, then in the central one; both are asked at once, because most services are
 * in the second. What becomes of that question matters only where the first finds none.
 */
const find = async (
  session: AddressSession,
  namespace: string,
  name: string,
): Promise<ServiceIPPool> => {
  const central = session.config.servicePoolNamespace
  const namespaces = [...new Set([namespace, central])]
  const asked = namespaces.map((one) => session.workloads.servicePool(one, name))
  for (const answer of asked) answer.catch(() => undefined)
  for (const answer of asked) {
    const found = await answer
    if (found !== undefined) return found
  }
  throw new CNIFailure(
    cniErrorCode.addressRefused,
    `there is no ServiceIPPool ${quoted(name)} in namespace ${namespaces.join(' nor in ')}`,
  )
}

/** Undefined for a pod that names no service pool. */
export const servicePoolsFor = async (
  session: AddressSession,
  identity: Identity,
  facts: WorkloadFacts,
): Promise<ServicePools | undefined> => {
  const name = nameIn(facts)
  if (name === undefined) return undefined
  const [service, [pools, node]] = await Promise.all([
    find(session, identity.namespace, name),
    readAll(await session.datastore(), [
      { list: 'IPPool' },
      { get: { kind: 'Node', name: session.node } },
    ]),
  ])
  const context = {
    pools: pools.map(({ value }) => value),
    nodeLabels: node?.value.labels ?? {},
    namespaceLabels: facts.namespace.labels ?? {},
  }
  const { ipv4Pools, disabledIPv4Pools, ipv6Pools, disabledIPv6Pools } = service
  return {
    name,
    v4: serviceMembers({ ...context, family: 4, listed: ipv4Pools, draining: disabledIPv4Pools }),
    v6: serviceMembers({ ...context, family: 6, listed: ipv6Pools, draining: disabledIPv6Pools }),
  }
}

const reasonsOf = (members: ReadonlyArray<ServiceMember>): string =>
  members.map((one) => `${one.name}: ${'reason' in one ? one.reason : 'it is full'}`).join('; ')

const cannotServe = (
  { name }: ServicePools,
  family: 4 | 6,
  members: ReadonlyArray<ServiceMember>,
) =>
  `no pool of ServiceIPPool ${quoted(name)} can serve an IPv${family} address: ${reasonsOf(members)}`

/**
 * CIDRs of the members that can serve; undefined: the service has no list for the family. Throws
 * code 101 with every member's reason when none can.
 */
export const servingCIDRs = (
  service: ServicePools | undefined,
  family: 4 | 6,
): ReadonlyArray<string> | undefined => {
  const members = (family === 4 ? service?.v4 : service?.v6) ?? []
  if (service === undefined || members.length === 0) return undefined
  const serving = members.flatMap((one) => ('cidr' in one ? [one.cidr] : []))
  if (serving.length > 0) return serving
  throw new CNIFailure(cniErrorCode.addressRefused, cannotServe(service, family, members))
}

/** Why a family came back short, member by member; undefined where the service has no list for it. */
export const serviceShortage = (
  service: ServicePools | undefined,
  family: 4 | 6,
): string | undefined => {
  const members = (family === 4 ? service?.v4 : service?.v6) ?? []
  if (service === undefined || members.length === 0) return undefined
  return cannotServe(service, family, members)
}
