/**
 * Takes the addresses of a plan from the datastore: all of them or none. Called by the IPAM
 * executable and, in process, by the main plugin.
 */
import type { AutoAssignRequest, AutoAssignResult, IPAM } from '@hc-calico/ipam-core'
import { IPAMFailure } from '@hc-calico/ipam-core'
import type { AddressPlan } from '../address-plan.ts'
import { addressOf, canonicalCIDR, contains, familyOf, isHostCIDR } from '../addresses.ts'
import { readAll } from '../datastore-access.ts'
import { fixedIdentityOf } from '../fixed-identity.ts'
import { goTimeText } from '../go-time.ts'
import type { Identity } from '../identity.ts'
import { type ForCleanup, withLockedIPAM } from '../ipam-access.ts'
import type { AddressSession } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import type { WorkloadFacts } from '../workload-source.ts'
import { assignFixed } from './assign-fixed.ts'
import { autoAssignInListOrder } from './in-list-order.ts'
import { resolvePools } from './resolve-pools.ts'
import {
  type ServicePools,
  servicePoolsFor,
  serviceShortage,
  servingCIDRs,
} from './service-pools.ts'

/** An address that now belongs to the container. */
export interface TakenAddress {
  /** Canonical text. */
  readonly ip: string
  /** CIDR of the block it comes from; absent for explicit addresses, where nobody needs it. */
  readonly block?: string
}

export interface AssignmentRequest {
  readonly identity: Identity
  readonly facts: WorkloadFacts
  readonly plan: Extract<AddressPlan, { tag: 'Automatic' | 'Explicit' }>
  /** Keep the first two addresses and, for IPv4, the last of every new block from pods. */
  readonly reserveGateways: boolean
}

type AutomaticPlan = Extract<AddressPlan, { tag: 'Automatic' }>

/** What Calico's tools and collectors read off an allocation. */
const attributesOf = (
  session: AddressSession,
  identity: Identity,
): Readonly<Record<string, string>> => ({
  node: session.node,
  timestamp: goTimeText(session.machine.clock.now()),
  ...(identity.pod === undefined ? {} : { pod: identity.pod, namespace: identity.namespace }),
})

/**
 * Calico's handle for addresses that hosts keep from pods; a block whose only allocations carry it
 * counts as empty, in upstream's code too.
 */
const reservedHandle = 'windows-reserved-ipam-handle'
const gatewayNote = 'gateway of an L2 network'

export const gatewayReservations = {
  hostReservedAttrIPv4s: {
    startOfBlock: 2,
    endOfBlock: 1,
    handle: reservedHandle,
    note: gatewayNote,
  },
  hostReservedAttrIPv6s: {
    startOfBlock: 2,
    endOfBlock: 0,
    handle: reservedHandle,
    note: gatewayNote,
  },
}

/** What to ask for, and on whose behalf it is asked so. */
export interface WantedAddresses {
  readonly request: AutoAssignRequest
  readonly service: ServicePools | undefined
}

const requestOf = async (
  session: AddressSession,
  { identity, facts, reserveGateways }: AssignmentRequest,
  plan: AutomaticPlan,
): Promise<WantedAddresses> => {
  const [service, [ipv4Pools, ipv6Pools]] = await Promise.all([
    servicePoolsFor(session, identity, facts),
    resolvePools(await session.datastore(), plan),
  ])
  const { labels } = facts.namespace
  const request: AutoAssignRequest = {
    num4: plan.v4 ? 1 : 0,
    num6: plan.v6 ? 1 : 0,
    handleID: identity.handleID,
    attrs: attributesOf(session, identity),
    host: session.node,
    ipv4Pools: (plan.v4 ? servingCIDRs(service, 4) : undefined) ?? ipv4Pools,
    ipv6Pools: (plan.v6 ? servingCIDRs(service, 6) : undefined) ?? ipv6Pools,
    intendedUse: 'Workload',
    // A replayed ADD gets the address it had.
    maxAllocToHandlePerIPVersion: 1,
    ...(labels === undefined ? {} : { namespaceLabels: labels }),
    ...(reserveGateways ? gatewayReservations : {}),
  }
  return { request, service }
}

/** Why a family got less than it was asked for; undefined: it got all. Calico's text. */
export const shortage = (family: 4 | 6, assigned: AutoAssignResult['v4']): string | undefined => {
  const wanted = assigned?.numRequested ?? 0
  const got = assigned?.ips.length ?? 0
  if (assigned === undefined || got >= wanted) return undefined
  const messages = assigned.messages.map((message) => `; ${message}`).join('')
  return `failed to request IPv${family} addresses: Assigned ${got} out of ${wanted} requested IPv${family} addresses${messages}`
}

/** Throws code 101 when a family came back short; of a service, with every member's reason. */
export const requireAll = (
  { v4, v6 }: AutoAssignResult,
  service: ServicePools | undefined,
): void => {
  const short4 = shortage(4, v4)
  const short6 = short4 === undefined ? shortage(6, v6) : undefined
  const short = short4 ?? short6
  if (short === undefined) return
  const why = serviceShortage(service, short4 === undefined ? 6 : 4)
  throw new CNIFailure(cniErrorCode.addressRefused, why === undefined ? short : `${short}; ${why}`)
}

/** Found addresses come without their block; the handle says which blocks it has addresses in. */
const withBlocks = async (
  session: AddressSession,
  handleID: string,
  cidrs: ReadonlyArray<string>,
): Promise<ReadonlyArray<TakenAddress>> => {
  const direct = (cidr: string): TakenAddress => ({
    ip: addressOf(cidr),
    block: canonicalCIDR(cidr) as string,
  })
  if (!cidrs.some(isHostCIDR)) return cidrs.map(direct)
  const datastore = await session.datastore()
  const [handle] = await readAll(datastore, [{ get: { kind: 'Handle', id: handleID } }])
  const blocks = Object.keys(handle?.value.blocks ?? {})
  return cidrs.map((cidr) => {
    const ip = addressOf(cidr)
    return {
      ip,
      block: blocks.find((block) => contains(block, ip)) ?? (canonicalCIDR(cidr) as string),
    }
  })
}

/** Everything the handle holds goes back; an error here must not hide the one that led to it. */
const giveBack = async (
  session: AddressSession,
  forCleanup: ForCleanup,
  identity: Identity,
): Promise<void> => {
  try {
    await (await forCleanup()).releaseByHandle(identity.handleID)
  } catch (error) {
    if (error instanceof IPAMFailure && error.tag === 'HandleMissing') return
    session.log.warning('Could not give addresses back; DEL or GC will', {
      handle: identity.handleID,
      reason: (error as Error).message,
    })
  }
}

const assignAutomatically = async (
  session: AddressSession,
  request: AssignmentRequest,
  plan: AutomaticPlan,
): Promise<ReadonlyArray<TakenAddress>> => {
  const { identity } = request
  const fixed = fixedIdentityOf(identity, request.facts)
  if (fixed !== undefined) {
    // A fixed pod that has its addresses does not care which pools there are.
    const ask = () => requestOf(session, request, plan)
    return assignFixed(session, { identity, fixed, plan, ask })
  }
  const wanted = await requestOf(session, request, plan)
  return withLockedIPAM(session, async (ipam, forCleanup) => {
    try {
      const assigned = await autoAssignInListOrder(ipam, wanted)
      requireAll(assigned, wanted.service)
      const { v4, v6 } = assigned
      const cidrs = [...(v4?.ips ?? []), ...(v6?.ips ?? [])]
      return await withBlocks(session, identity.handleID, cidrs)
    } catch (error) {
      await giveBack(session, forCleanup, identity)
      throw error
    }
  })
}

const isInUse = (error: unknown): boolean =>
  error instanceof IPAMFailure && error.tag === 'AddressInUse'

/**
 * A pod that pins its address may find it held by its own previous container, whose DEL has not
 * come yet. It may take over only from a container of the same pod on the same node: there the
 * older one is dead for certain.
 */
const releasedFromOlderContainer = async (
  session: AddressSession,
  ipam: IPAM,
  identity: Identity,
  ip: string,
): Promise<boolean> => {
  const { handleID, attrs } = await ipam.getAssignmentAttributes(ip)
  const isOurs =
    identity.pod !== undefined &&
    attrs.pod === identity.pod &&
    attrs.namespace === identity.namespace &&
    attrs.node === session.node
  if (!isOurs || handleID === undefined || handleID === identity.handleID) return false
  session.log.info('Taking the address over from an older container of the pod', { ip, handleID })
  await ipam.releaseIPs([{ address: ip, handle: handleID }])
  return true
}

/**
 * The order to try them in: addresses outside every pool first. They will be refused, and then no
 * block has been claimed for the others.
 */
const hopelessFirst = async (
  session: AddressSession,
  ips: ReadonlyArray<string>,
): Promise<ReadonlyArray<string>> => {
  if (ips.length < 2) return ips
  const [pools] = await readAll(await session.datastore(), [{ list: 'IPPool' }])
  const isInPool = (ip: string) => pools.some((pool) => contains(pool.value.cidr, ip))
  return [...ips.filter((ip) => !isInPool(ip)), ...ips.filter(isInPool)]
}

const assignExplicitly = async (
  session: AddressSession,
  { identity }: AssignmentRequest,
  plan: Extract<AddressPlan, { tag: 'Explicit' }>,
): Promise<ReadonlyArray<TakenAddress>> => {
  const ips = await hopelessFirst(session, plan.ips)
  return withLockedIPAM(session, async (ipam, forCleanup) => {
    const attrs = attributesOf(session, identity)
    const assign = (ip: string) =>
      ipam.assignIP({
        ip,
        handleID: identity.handleID,
        attrs,
        host: session.node,
        intendedUse: 'Workload',
        maxAllocToHandlePerIPVersion: 1,
      })
    try {
      for (const ip of ips) {
        try {
          await assign(ip)
        } catch (error) {
          if (!isInUse(error) || !plan.repinned) throw error
          if (!(await releasedFromOlderContainer(session, ipam, identity, ip))) throw error
          await assign(ip)
        }
      }
    } catch (error) {
      await giveBack(session, forCleanup, identity)
      throw error
    }
    return ips.map((ip) => ({ ip }))
  })
}

/** All addresses of the plan, IPv4 first. Rejects, with nothing taken, when one cannot be had. */
export const assignAddresses = async (
  session: AddressSession,
  request: AssignmentRequest,
): Promise<ReadonlyArray<TakenAddress>> => {
  const { plan, identity } = request
  const taken =
    plan.tag === 'Automatic'
      ? await assignAutomatically(session, request, plan)
      : await assignExplicitly(session, request, plan)
  const sorted = [...taken].sort((a, b) => familyOf(a.ip) - familyOf(b.ip))
  session.log.info('Assigned', {
    ips: sorted.map((one) => one.ip).join(','),
    handle: identity.handleID,
    namespace: identity.namespace,
    pod: identity.pod,
  })
  return sorted
}
