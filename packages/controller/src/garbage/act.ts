/**
 * Carries out what garbage collection has planned. Each step asks the API server and the datastore
 * once more whether what it rests on is still so, and changes only what is still as it was seen:
 * sequence number and handle of an allocation, holder of a fixed address, revision of a handle.
 */
import type { ControllerContext } from '../context.ts'
import { handleName, isHolderGone, isLeakedBy } from '../decisions/collect-garbage.ts'
import { identityNames } from '../decisions/fixed-inventory.ts'
import type {
  GarbagePlan,
  GoneHolder,
  SeenAllocation,
  SeenPod,
} from '../decisions/garbage-model.ts'
import { isRefusal } from '../fixed/fixed-world.ts'
import { isLiveNode, livePod } from '../fixed/live-objects.ts'
import type { CalicoNodes } from '../sources/calico-nodes.ts'
import { seenPod } from './gather.ts'

export interface Acting {
  readonly context: ControllerContext
  readonly calico: CalicoNodes
}

type Leak = GarbagePlan['release'][number]

const podNow = async (
  { context, calico }: Acting,
  namespace: string,
  name: string,
): Promise<SeenPod | undefined> => {
  const pod = await livePod(context.client, namespace, name)
  return pod === undefined ? undefined : seenPod(pod, calico)
}

const isNodeThere = ({ context, calico }: Acting, node: string): Promise<boolean> =>
  isLiveNode(context.client, calico.kubernetesNameOf(node))

const isStillLeaked = async (acting: Acting, allocation: SeenAllocation): Promise<boolean> => {
  const { pod, namespace, node = '', type } = allocation.attributes
  if (type?.endsWith('TunnelAddress')) return node !== '' && !(await isNodeThere(acting, node))
  if (!pod || !namespace) return false
  return isLeakedBy(allocation, await podNow(acting, namespace, pod), acting.calico.alive)
}

const bare = (ip: string): string => ip.replace(/\/.*/, '')

/** An address that the handle has got since would go in part. */
const isWhole = async ({ context }: Acting, { handleID, allocations }: Leak): Promise<boolean> => {
  const seen = new Set(allocations.map(({ ip }) => ip))
  try {
    const held = await context.ipam.ipsByHandle(handleID)
    return held.every((ip) => seen.has(bare(ip)))
  } catch (thrown) {
    // Allocations whose handle is missing: each is released by what its block says.
    if (isRefusal(thrown) && thrown.tag === 'HandleMissing') return true
    throw thrown
  }
}

const mayGo = async (acting: Acting, leak: Leak): Promise<boolean> => {
  for (const one of leak.allocations) if (!(await isStillLeaked(acting, one))) return false
  return isWhole(acting, leak)
}

/** Resolves to what is free now; rejects when one of them is not what was seen. */
const release = async (
  { context }: Acting,
  leaks: ReadonlyArray<Leak>,
): Promise<ReadonlyArray<SeenAllocation>> => {
  const allocations = leaks.flatMap((leak) => leak.allocations)
  const options = allocations.map(({ ip, handleID = '', sequenceNumber }) => ({
    ...{ address: ip, handle: handleID, sequenceNumber },
  }))
  const { released } = await context.ipam.releaseIPs(options)
  return allocations.filter(({ ip }) => released.includes(ip))
}

const releaseAlone = async (acting: Acting, leak: Leak): Promise<ReadonlyArray<SeenAllocation>> => {
  try {
    return await release(acting, [leak])
  } catch (thrown) {
    // Somebody else has it by now.
    if (isRefusal(thrown)) return []
    throw thrown
  }
}

/**
 * Leaked handles, each with all its addresses or not at all, in one request: addresses of one block
 * then cost one write of it. Resolves to the addresses that were released; a handle about which the
 * server does not answer is reported, and stays.
 */
export const releaseLeaks = async (
  acting: Acting,
  leaks: ReadonlyArray<Leak>,
  onFailure: (leak: Leak, thrown: unknown) => void,
): Promise<ReadonlyArray<SeenAllocation>> => {
  const judged = await Promise.all(
    leaks.map(async (leak) => {
      const is = await mayGo(acting, leak).catch((thrown: unknown) => onFailure(leak, thrown))
      return is === true ? [leak] : []
    }),
  )
  const going = judged.flat()
  if (going.length === 0) return []
  try {
    return await release(acting, going)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
  }
  // One that has changed keeps the others of its block: each for itself.
  const released: SeenAllocation[] = []
  for (const leak of going) released.push(...(await releaseAlone(acting, leak)))
  return released
}

/** Whether anything was parked. */
export const parkGone = async (acting: Acting, gone: GoneHolder): Promise<boolean> => {
  const names = identityNames(gone.identity)
  if (names === undefined) return false
  const pod = await podNow(acting, names.namespace, names.pod)
  if (!gone.allocations.every((one) => isHolderGone(one, pod))) return false
  const { handleID, holderID } = gone
  return (await acting.context.ipam.parkFixed({ handleID, holderID })).length > 0
}

/** Takes a node's blocks from it: empty ones go, others stay for the addresses they hold. */
export const cleanNode = async (acting: Acting, node: string): Promise<boolean> => {
  const { context } = acting
  if (await isNodeThere(acting, node)) return false
  const { calicoNodes } = context.sources
  if (calicoNodes !== undefined && calicoNodes.get(node) === undefined) {
    // A Calico node of this name may have come since; whose it is, the cache will say.
    const found = await context.datastore.read([{ get: { kind: 'Node', name: node } }])()
    if (found._tag === 'Left') throw new Error(found.left.message)
    if (found.right[0] !== undefined) return false
  }
  await context.ipam.removeIPAMHost(node)
  return true
}

/** Its addresses stay until they are released; an owner that has its affinity by now keeps it. */
export const disown = async (
  { ipam, datastore }: ControllerContext,
  cidr: string,
): Promise<boolean> => {
  await ipam.releaseBlockAffinity(cidr, { mustBeEmpty: false, mustBeStale: true })
  const read = await datastore.read([{ get: { kind: 'Block', cidr } }])()
  return read._tag === 'Right' && read.right[0]?.value.affinity === undefined
}

/** A handle that still owns nothing, at the revision at which that was seen first. */
export const deleteHandle = async (
  { context }: Acting,
  { handleID, revision }: GarbagePlan['deleteHandles'][number],
): Promise<boolean> => {
  const { datastore } = context
  const key = { kind: 'Handle', id: handleID } as const
  const read = await datastore.read([{ get: key }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  const [found] = read.right
  if (found === undefined || found.revision !== revision) return false
  const blocks = Object.keys(found.value.blocks).map(
    (cidr) => ({ get: { kind: 'Block', cidr } }) as const,
  )
  const counted = await datastore.read(blocks)()
  if (counted._tag === 'Left') throw new Error(counted.left.message)
  const isOwner = counted.right.some((block) =>
    block?.value.attributes.some((one) => handleName(one.handleID ?? '') === handleName(handleID)),
  )
  if (isOwner) return false
  // Blocks that are there are rewritten along: somebody may have counted, and sleep before using it.
  return context.ipam.recountHandle({ handleID, revision })
}
