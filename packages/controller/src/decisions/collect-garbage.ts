/**
 * What nobody uses any more. Every suspicion must be raised twice, a grace time apart, before
 * anything follows from it: a pod's address is allocated before its status says so, and a handle is
 * written before its block. A suspicion names what it saw (sequence number, revision, holder), so
 * anything that moved in between starts its time again. What is not understood is kept.
 */
import type {
  GarbagePlan,
  GarbageSituation,
  GoneHolder,
  HandleAt,
  SeenAllocation,
  SeenPod,
} from './garbage-model.ts'

type Verdict = 'used' | 'unknown' | 'tunnel' | 'leaked' | 'holder gone'

const windowsHandle = 'windows-reserved-ipam-handle'

type Nodes = GarbageSituation['nodes']

/** Whether a pod that is there is not the one that this address was given to. */
const isElsewhere = ({ ip, attributes }: SeenAllocation, pod: SeenPod, nodes: Nodes): boolean => {
  if (pod.isEvicted) return true
  // Its own word counts most: names of nodes differ where the datastore has nodes of its own.
  if (pod.ips.length > 0) return !pod.ips.includes(ip)
  const { node } = attributes
  return node !== undefined && node !== pod.node && nodes.has(node) && nodes.has(pod.node)
}

/** Whether an allocation that names a pod is leaked, as far as this pod (or none) shows. */
export const isLeakedBy = (
  allocation: SeenAllocation,
  pod: SeenPod | undefined,
  nodes: Nodes,
): boolean => pod === undefined || isElsewhere(allocation, pod, nodes)

/** Whether the holder of a fixed address is gone, as far as its identity's pod (or none) shows. */
export const isHolderGone = (allocation: SeenAllocation, pod: SeenPod | undefined): boolean => {
  if (pod === undefined || pod.isEvicted) return true
  if (pod.ips.length > 0) return !pod.ips.includes(allocation.ip)
  // It is starting, and somewhere else: it takes over when it comes so far.
  return pod.node !== '' && pod.node !== allocation.fixed?.holder?.node
}

/** Of 220,000 handles hardly one: compared by length before anything is copied. */
const isWindows = (handleID: string): boolean =>
  handleID.length === windowsHandle.length && handleID.toLowerCase() === windowsHandle

/** A virtual machine keeps its address while none of its pods is there: whoever knows it may judge. */
const isOfMachine = (handleID: string, attributes: SeenAllocation['attributes']): boolean =>
  handleID.includes('.vmi.') || attributes['vmi-name'] !== undefined

const verdictOn = (allocation: SeenAllocation, situation: GarbageSituation): Verdict => {
  const { attributes, fixed, handleID } = allocation
  // Fixed addresses are judged by identity, never by a pod's uid, and go by retention only.
  if (fixed !== undefined) {
    const pod = fixed.holder && situation.podOfIdentity(fixed.identity)
    if (fixed.holder === undefined || pod === 'unknown') return 'used'
    return isHolderGone(allocation, pod) ? 'holder gone' : 'used'
  }
  if (handleID === undefined || isWindows(handleID)) return 'unknown'
  if (isOfMachine(handleID, attributes)) return 'unknown'
  if (attributes.type?.endsWith('TunnelAddress')) return 'tunnel'
  if (!attributes.pod || !attributes.namespace) return 'unknown'
  const pod = situation.pods.get(`${attributes.namespace}/${attributes.pod}`)
  return isLeakedBy(allocation, pod, situation.nodes) ? 'leaked' : 'used'
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
  return judged.map((one) => {
    if (one.verdict !== 'tunnel') return one
    const { node } = one.allocation.attributes
    const isFree = node !== undefined && !nodes.has(node) && !busy.has(node)
    return { ...one, verdict: isFree ? 'leaked' : 'used' }
  })
}

const isSuspect = ({ verdict }: Judged): boolean => verdict === 'leaked' || verdict === 'tunnel'

/** Everything of the handles that are suspected in part at least: few of a great many. */
const byHandle = (judged: ReadonlyArray<Judged>): ReadonlyMap<string, ReadonlyArray<Judged>> => {
  const groups = new Map<string, Judged[]>()
  for (const one of judged) {
    const { handleID } = one.allocation
    if (handleID !== undefined && isSuspect(one)) groups.set(handleID, [])
  }
  if (groups.size === 0) return groups
  for (const one of judged) groups.get(one.allocation.handleID ?? '')?.push(one)
  return groups
}

/** A handle goes whole or not at all: where one of its addresses stays, all of them count as used. */
const wholeHandles = (judged: ReadonlyArray<Judged>): ReadonlyArray<Judged> => {
  const groups = byHandle(judged)
  return judged.map((one) => {
    if (one.verdict !== 'leaked') return one
    const group = groups.get(one.allocation.handleID ?? '') ?? []
    return group.every(isSuspect) ? one : { ...one, verdict: 'used' }
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

/** A holder goes with all its addresses or with none. */
const goneHolders = (
  judged: ReadonlyArray<Judged>,
  isConfirmed: (suspicion: string) => boolean,
): GarbagePlan['park'] => {
  const holders = new Map<string, Judged[]>()
  for (const one of judged) {
    const { handleID, fixed } = one.allocation
    if (handleID === undefined || fixed?.holder === undefined) continue
    const key = `holder ${handleID} ${fixed.holder.id} ${fixed.holder.node}`
    const others = holders.get(key)
    if (others === undefined) holders.set(key, [one])
    else others.push(one)
  }
  const park: GoneHolder[] = []
  for (const [suspicion, group] of holders) {
    const allocations = group.map(({ allocation }) => allocation)
    const { handleID = '', fixed } = allocations[0] as SeenAllocation
    if (!group.every(({ verdict }) => verdict === 'holder gone')) continue
    if (fixed?.holder === undefined || !isConfirmed(suspicion)) continue
    park.push({ handleID, holderID: fixed.holder.id, identity: fixed.identity, allocations })
  }
  return park
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

/** Handles as both datastores compare them: letter case, and what damage of old appended, aside. */
export const handleName = (id: string): string => (id.split('\r')[0] as string).toLowerCase()

const countsBy = (names: ReadonlyArray<string | undefined>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const name of names) {
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Handles that own nothing go; those that own less than they say are counted again. */
const wrongHandles = (
  { allocations, handles }: GarbageSituation,
  isConfirmed: (suspicion: string) => boolean,
): Pick<GarbagePlan, 'deleteHandles' | 'recount'> => {
  const owned = countsBy(allocations.map(({ handleID }) => handleID))
  const wrong = [...handles].filter(([id, { count }]) => {
    const held = owned.get(id) ?? 0
    return held === 0 || count > held
  })
  const deleteHandles: HandleAt[] = []
  const recount: HandleAt[] = []
  if (wrong.length === 0) return { deleteHandles, recount }
  const byName = countsBy(allocations.map(({ handleID }) => handleID && handleName(handleID)))
  for (const [handleID, { revision, count }] of wrong) {
    const held = byName.get(handleName(handleID)) ?? 0
    // Owned under another spelling: what it should count nobody here can tell.
    const isOdd = held !== (owned.get(handleID) ?? 0)
    if (isOdd || (held > 0 && count <= held)) continue
    if (!isConfirmed(`handle ${handleID} ${revision}`)) continue
    const list = held === 0 ? deleteHandles : recount
    list.push({ handleID, revision })
  }
  return { deleteHandles, recount }
}

/** A claim that died between its block and its affinity; the affinity always comes first. */
const blocksToDisown = (
  { ownedBlocks, hasAffinity }: GarbageSituation,
  isConfirmed: (suspicion: string) => boolean,
): GarbagePlan['disown'] =>
  ownedBlocks.filter(
    (block) => !hasAffinity(block) && isConfirmed(`owner ${block.affinity} ${block.cidr}`),
  )

/** What to do now, and what to remember. Only ever called with complete lists of everything. */
export const collectGarbage = (situation: GarbageSituation): GarbagePlan => {
  const { next, isConfirmed } = memoryOf(situation)
  const first = situation.allocations.map((allocation) => ({
    allocation,
    verdict: verdictOn(allocation, situation),
  }))
  const judged = withTunnels(wholeHandles(first), situation)
  const leaked = judged.filter(({ verdict }) => verdict === 'leaked')
  return {
    candidates: leaked.map(({ allocation }) => allocation),
    release: leakedHandles(judged, isConfirmed),
    park: goneHolders(judged, isConfirmed),
    cleanNodes: nodesToClean(situation, isConfirmed),
    disown: blocksToDisown(situation, isConfirmed),
    ...wrongHandles(situation, isConfirmed),
    suspected: next,
  }
}
