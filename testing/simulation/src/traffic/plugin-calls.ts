/**
 * What the CNI plugin asks of the core for ADD and DEL, in its order: pools of the service first, the
 * members of a service strictly in list order; a fixed pod takes its identity's addresses over, or
 * is given some under the identity's handle; whoever got less than asked for gives all of it back.
 */
import {
  type AutoAssignRequest,
  type AutoAssignResult,
  type FixedHold,
  firstEpoch,
  fixedAttrs,
  fixedStateOf,
  type IPAM,
  IPAMFailure,
  serviceMembers,
} from '@hc-calico/ipam-core'
import type { Hands } from '../attempt.ts'
import type { Simulation } from '../simulation.ts'
import type { Sandbox } from '../truth/sandboxes.ts'
import { simulatedFailure } from './simulated-failure.ts'

/** The datastore work of one command, and of giving back after one that failed. */
const commandMs = 90_000
const cleanupMs = 30_000

const isMissing = (failure: unknown): boolean =>
  failure instanceof IPAMFailure && failure.tag === 'HandleMissing'

const releaseHandle = async (ipam: IPAM, handle: string): Promise<boolean> => {
  try {
    const { released } = await ipam.releaseByHandle(handle)
    return released.length > 0
  } catch (failure) {
    if (isMissing(failure)) return false
    throw failure
  }
}

const textOf = (cidr: string): string => cidr.replace(/\/.*/, '')

/** CIDRs of the service's members that can serve, in list order. */
const servingPools = async (
  { cluster }: Simulation,
  { datastore }: Hands,
  node: string,
): Promise<ReadonlyArray<string>> => {
  const { listed, draining } = cluster.service.now
  const read = await datastore.read([{ list: 'IPPool' }, { get: { kind: 'Node', name: node } }])()
  if (read._tag === 'Left') throw simulatedFailure(read.left.message)
  const [pools, found] = read.right
  const members = serviceMembers({
    family: 4,
    listed,
    draining,
    pools: pools.map(({ value }) => value),
    nodeLabels: found?.value.labels ?? {},
    namespaceLabels: {},
  })
  const cidrs = members.flatMap((one) => ('cidr' in one ? [one.cidr] : []))
  if (cidrs.length === 0) throw simulatedFailure('no pool of the service can serve')
  return cidrs
}

/** One member after the other for what is still missing, as the plugin does it. */
const assign = async (
  ipam: IPAM,
  request: AutoAssignRequest,
  members: ReadonlyArray<string> | undefined,
): Promise<AutoAssignResult> => {
  if (members === undefined) return ipam.autoAssign(request)
  let result: AutoAssignResult = {}
  for (const [n, member] of members.entries()) {
    const num4 = (result.v4?.ips.length ?? 0) < (request.num4 ?? 0) ? (request.num4 ?? 0) : 0
    const num6 = n === 0 ? (request.num6 ?? 0) : 0
    if (num4 + num6 === 0) break
    try {
      const more = await ipam.autoAssign({ ...request, num4, num6, ipv4Pools: [member] })
      result = { ...result, ...more }
    } catch (failure) {
      const isFull = failure instanceof IPAMFailure && failure.tag === 'BlockLimit'
      if (!isFull || n === members.length - 1 || num6 > 0) throw failure
    }
  }
  return result
}

const requireAll = ({ v4, v6 }: AutoAssignResult): void => {
  for (const one of [v4, v6]) {
    if (one !== undefined && one.ips.length < one.numRequested) {
      throw simulatedFailure(`short: ${one.messages.join('; ')}`)
    }
  }
}

const requestOf = ({ handle, node, pod, families }: Sandbox): AutoAssignRequest => ({
  num4: 1,
  num6: families === 2 ? 1 : 0,
  handleID: handle,
  attrs: { node, pod, namespace: 'default' },
  host: node,
  intendedUse: 'Workload',
  maxAllocToHandlePerIPVersion: 1,
})

const familyOf = (cidr: string): 4 | 6 => (cidr.includes(':') ? 6 : 4)

const firstOf = (hold: FixedHold | undefined, family: 4 | 6): string | undefined =>
  hold?.ips.find((cidr) => familyOf(cidr) === family)

/** What this container took goes back; what the identity had stays, and is parked if it is ours. */
const giveUp = async (
  ipam: IPAM,
  sandbox: Sandbox,
  handleID: string,
  before: FixedHold | undefined,
  first: number,
): Promise<void> => {
  const had = new Set((before?.ips ?? []).map(familyOf))
  const now = await ipam.ipsByHandle(handleID).catch((failure: unknown) => {
    if (isMissing(failure)) return []
    throw failure
  })
  const own: string[] = []
  for (const ip of now.filter((one) => !had.has(familyOf(one)))) {
    const { attrs } = await ipam.getAssignmentAttributes(ip)
    if (fixedStateOf(attrs)?.holder?.id === sandbox.handle) own.push(ip)
  }
  const seen = { handleID, epoch: before?.epoch ?? first, holderID: sandbox.handle }
  if (own.length > 0) await ipam.releaseFixed({ ...seen, ips: own })
  await ipam.parkFixed({ handleID, holderID: sandbox.handle })
}

/** Two that started at once may have taken one each: the identity keeps the first of a family. */
const onlyFirst = async (
  ipam: IPAM,
  { handle: holderID, node: host }: Sandbox,
  handleID: string,
  hold: FixedHold,
): Promise<FixedHold> => {
  for (const family of [4, 6] as const) {
    const ip = firstOf(hold, family)
    if (ip === undefined || hold.ips.filter((one) => familyOf(one) === family).length < 2) continue
    await ipam.repinFixed({ handleID, epoch: hold.epoch, holderID, ip: textOf(ip), host })
  }
  return hold
}

const takeFixed = async (
  ipam: IPAM,
  sandbox: Sandbox,
  identity: string,
  before: FixedHold | undefined,
  first: number,
  members: () => Promise<ReadonlyArray<string> | undefined>,
): Promise<FixedHold> => {
  const holder = { id: sandbox.handle, node: sandbox.node }
  const num4 = firstOf(before, 4) === undefined ? 1 : 0
  const num6 = sandbox.families === 2 && firstOf(before, 6) === undefined ? 1 : 0
  if (before !== undefined && num4 + num6 === 0) {
    return onlyFirst(ipam, sandbox, identity, before)
  }
  const epoch = before?.epoch ?? first
  const { maxAllocToHandlePerIPVersion: _, ...ordinary } = requestOf(sandbox)
  const attrs = fixedAttrs({ identity, epoch, holder })
  const wanted = { ...ordinary, num4, num6, handleID: identity, attrs }
  requireAll(await assign(ipam, wanted, await members()))
  const all = await ipam.takeOverFixed({ handleID: identity, identity, holder, epoch })
  if (all === undefined) throw simulatedFailure('another container was faster')
  return onlyFirst(ipam, sandbox, identity, all)
}

const addFixed = async (
  hands: Hands,
  sandbox: Sandbox,
  identity: string,
  members: () => Promise<ReadonlyArray<string> | undefined>,
): Promise<ReadonlyArray<string>> => {
  const ipam = hands.ipamWithin(commandMs)
  const holder = { id: sandbox.handle, node: sandbox.node }
  const first = firstEpoch(hands.process.clock.now())
  const before = await ipam.takeOverFixed({ handleID: identity, identity, holder })
  try {
    const hold = await takeFixed(ipam, sandbox, identity, before, first, members)
    const families = sandbox.families === 2 ? ([4, 6] as const) : ([4] as const)
    return families.flatMap((family) => firstOf(hold, family) ?? []).map(textOf)
  } catch (failure) {
    await giveUp(hands.ipamWithin(cleanupMs), sandbox, identity, before, first).catch(() => {})
    throw failure
  }
}

/** The addresses, IPv4 first. */
export const addAsPlugin = async (
  simulation: Simulation,
  hands: Hands,
  sandbox: Sandbox,
): Promise<ReadonlyArray<string>> => {
  const ipam = hands.ipamWithin(commandMs)
  const members = async () =>
    sandbox.isOfService ? servingPools(simulation, hands, sandbox.node) : undefined
  try {
    if (sandbox.identity !== undefined) {
      return await addFixed(hands, sandbox, sandbox.identity, members)
    }
    const isLibrary = sandbox.caller === 'library'
    const assigned = await assign(
      isLibrary ? hands.ipam : ipam,
      requestOf(sandbox),
      await members(),
    )
    requireAll(assigned)
    return [...(assigned.v4?.ips ?? []), ...(assigned.v6?.ips ?? [])].map(textOf)
  } catch (failure) {
    if (sandbox.caller === 'library') throw failure
    await releaseHandle(hands.ipamWithin(cleanupMs), sandbox.handle).catch(() => {})
    throw failure
  }
}

export const delAsPlugin = async (hands: Hands, sandbox: Sandbox): Promise<void> => {
  const ipam = hands.ipamWithin(commandMs)
  const wasHeld = await releaseHandle(ipam, sandbox.handle)
  const handleID = sandbox.identity
  if (!wasHeld && handleID !== undefined) {
    await ipam.parkFixed({ handleID, holderID: sandbox.handle })
  }
}
