/**
 * What nobody uses any more. Every suspicion must be raised twice, a grace time apart, before
 * anything follows from it: a pod's address is allocated before its status says so, and a handle is
 * written before its block. A suspicion names what it saw (sequence number, revision, holder), so
 * anything that moved in between starts its time again. What is not understood is kept.
 */
import type { GarbagePlan, GarbageSituation, SeenAllocation } from './garbage-model.ts'

type Verdict = 'used' | 'unknown' | 'tunnel' | 'leaked' | 'holder gone'

const windowsHandle = 'windows-reserved-ipam-handle'

const podVerdict = (
  { ip, attributes }: SeenAllocation,
  { pods }: GarbageSituation,
): 'used' | 'leaked' => {
  const pod = pods.get(`${attributes.namespace}/${attributes.pod}`)
  if (pod === undefined) return 'leaked'
  if (pod.node !== '' && attributes.node !== undefined && pod.node !== attributes.node)
    return 'leaked'
  if (pod.isEvicted) return 'leaked'
  return pod.ips.length === 0 || pod.ips.includes(ip) ? 'used' : 'leaked'
}

const verdictOn = (allocation: SeenAllocation, situation: GarbageSituation): Verdict => {
  const { attributes, fixed, handleID } = allocation
  // Fixed addresses are judged by identity, never by a pod's uid, and go by retention only.
  if (fixed !== undefined) {
    const { holder, identity } = fixed
    if (holder === undefined) return 'used'
    const isThere = situation.identities.has(identity) && situation.nodes.has(holder.node)
    return isThere ? 'used' : 'holder gone'
  }
  if (handleID === undefined || handleID.toLowerCase() === windowsHandle) return 'unknown'
  if (attributes.type?.endsWith('TunnelAddress')) return 'tunnel'
  if (!attributes.pod || !attributes.namespace) return 'unknown'
  return podVerdict(allocation, situation)
}

interface Judged {
  readonly allocation: SeenAllocation
  readonly verdict: Verdict
}

/** A tunnel's address goes with its node, and only when nothing else there is in use. */
const withTunnels = (
  judged: ReadonlyArray<Judged>,
  { nodes }: GarbageSituation,
): ReadonlyArray<Judged> => {
  const busy = new Set(
    judged
      .filter(({ verdict }) => verdict !== 'leaked' && verdict !== 'tunnel')
      .map(({ allocation }) => allocation.attributes.node),
  )
  return judged.map(({ allocation, verdict }) => {
    if (verdict !== 'tunnel') return { allocation, verdict }
    const { node } = allocation.attributes
    const isFree = node !== undefined && !nodes.has(node) && !busy.has(node)
    return { allocation, verdict: isFree ? 'leaked' : 'used' }
  })
}

const byHandle = (judged: ReadonlyArray<Judged>): ReadonlyMap<string, ReadonlyArray<Judged>> => {
  const groups = new Map<string, Judged[]>()
  for (const one of judged) {
    const { handleID } = one.allocation
    if (handleID === undefined) continue
    const group = groups.get(handleID)
    if (group === undefined) groups.set(handleID, [one])
    else group.push(one)
  }
  return groups
}

/** A handle goes whole or not at all: where one of its addresses stays, all of them count as used. */
const wholeHandles = (judged: ReadonlyArray<Judged>): ReadonlyArray<Judged> => {
  const groups = byHandle(judged)
  return judged.map((one) => {
    const group = groups.get(one.allocation.handleID ?? '') ?? []
    const isWhole = group.every(({ verdict }) => verdict === 'leaked' || verdict === 'tunnel')
    return one.verdict === 'leaked' && !isWhole ? { ...one, verdict: 'used' } : one
  })
}

/** Asks of each suspicion whether it is old enough, and gathers all for the next run. */
const memoryOf = ({ suspected, nowMs, graceMs }: GarbageSituation) => {
  const next = new Map<string, number>()
  const isConfirmed = (suspicion: string): boolean => {
    const since = suspected.get(suspicion)
    next.set(suspicion, since ?? nowMs)
    return since !== undefined && since < nowMs && nowMs - since >= graceMs
  }
  return { next, isConfirmed }
}

const leakedHandles = (
  judged: ReadonlyArray<Judged>,
  isConfirmed: (suspicion: string) => boolean,
): GarbagePlan['release'] => {
  const release: Array<GarbagePlan['release'][number]> = []
  for (const [handleID, group] of byHandle(judged)) {
    if (!group.every(({ verdict }) => verdict === 'leaked')) continue
    const allocations = group.map(({ allocation }) => allocation)
    const confirmed = allocations.map(({ ip, sequenceNumber }) =>
      isConfirmed(`allocation ${handleID} ${ip} ${sequenceNumber}`),
    )
    if (confirmed.every(Boolean)) release.push({ handleID, allocations })
  }
  return release
}

const goneHolders = (
  judged: ReadonlyArray<Judged>,
  isConfirmed: (suspicion: string) => boolean,
): GarbagePlan['park'] => {
  const park = new Map<string, GarbagePlan['park'][number]>()
  for (const { allocation, verdict } of judged) {
    const { handleID, fixed } = allocation
    if (verdict !== 'holder gone' || handleID === undefined || !fixed?.holder) continue
    const holderID = fixed.holder.id
    const suspicion = `holder ${handleID} ${holderID} ${fixed.holder.node}`
    if (isConfirmed(suspicion)) park.set(`${handleID} ${holderID}`, { handleID, holderID })
  }
  return [...park.values()]
}

const nodesToClean = (
  { allocations, blockOwners, nodes }: GarbageSituation,
  isConfirmed: (suspicion: string) => boolean,
): ReadonlyArray<string> => {
  const named = new Set(allocations.map(({ attributes }) => attributes.node))
  return [...blockOwners].filter(
    (node) => !nodes.has(node) && !named.has(node) && isConfirmed(`node ${node}`),
  )
}

/** What to do now, and what to remember. Only ever called with complete lists of everything. */
export const collectGarbage = (situation: GarbageSituation): GarbagePlan => {
  const { next, isConfirmed } = memoryOf(situation)
  const first = situation.allocations.map((allocation) => ({
    allocation,
    verdict: verdictOn(allocation, situation),
  }))
  const judged = withTunnels(wholeHandles(first), situation)
  const release = leakedHandles(judged, isConfirmed)
  const park = goneHolders(judged, isConfirmed)
  const cleanNodes = nodesToClean(situation, isConfirmed)
  const owning = new Set(situation.allocations.map(({ handleID }) => handleID))
  const deleteHandles = [...situation.handles]
    .filter(([id, revision]) => !owning.has(id) && isConfirmed(`handle ${id} ${revision}`))
    .map(([handleID, revision]) => ({ handleID, revision }))
  return { suspected: next, release, park, cleanNodes, deleteHandles }
}
