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

/** All addresses of a leaked handle, or none. Resolves to those that were released. */
export const releaseLeak = async (
  acting: Acting,
  leak: Leak,
): Promise<ReadonlyArray<SeenAllocation>> => {
  const { handleID, allocations } = leak
  for (const allocation of allocations) if (!(await isStillLeaked(acting, allocation))) return []
  if (!(await isWhole(acting, leak))) return []
  const options = allocations.map(({ ip, sequenceNumber }) => ({
    ...{ address: ip, handle: handleID, sequenceNumber },
  }))
  try {
    const { released } = await acting.context.ipam.releaseIPs(options)
    return allocations.filter(({ ip }) => released.includes(ip))
  } catch (thrown) {
    // Somebody else has it by now, or has released it.
    if (isRefusal(thrown)) return []
    throw thrown
  }
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
  const done = await datastore.commit([{ op: 'delete', key, revision: found.revision }])()
  if (done._tag === 'Right') return true
  if (done.left.error.tag === 'Conflict' || done.left.error.tag === 'NotFound') return false
  throw new Error(done.left.error.message)
}
