/**
 * The demo's part on FixedIP: no Kubernetes says who `redis-0` is, so its annotation comes from the
 * runtime and its identity from its name. While it is away, neighbours ask for every address of its
 * small pool, and find all but one.
 */
import { createIPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { check, DemoFailure, fact, step } from './narration.ts'
import { addressOf, type Pod, smallPools, type World } from './world.ts'

const [pool] = smallPools
const poolSize = 8
const fixed = { annotations: { 'fixed.ipam.harmonycloud.cn': 'true' } }
const handle = 'hc-fixed.default.redis-0'

const conflistOf = (world: World) =>
  world.conflistWith({}, { assign_ipv6: 'false', ipv4_pools: [pool?.name] })

const start = async (world: World, pod: Pod): Promise<string> =>
  addressOf(await world.cni.add(conflistOf(world), pod.attachment))

const stop = async (world: World, pod: Pod): Promise<void> => {
  await world.cni.del(conflistOf(world), pod.attachment)
}

const startNeighbours = async (world: World): Promise<ReadonlyArray<Pod>> => {
  const pods: Pod[] = []
  const addresses: string[] = []
  for (let n = 1; n < poolSize; n += 1) {
    const pod = await world.newPod(`neighbour-${n}`)
    addresses.push(await start(world, pod))
    pods.push(pod)
  }
  fact(`${pods.length} neighbours`, addresses.map((one) => `.${one.split('.')[3]}`).join(' '))
  return pods
}

const refuseOneMore = async (world: World): Promise<void> => {
  const pod = await world.newPod('neighbour-8')
  const refusal = await start(world, pod).then(
    (address) => `it got ${address}`,
    (error: Error) => error.message,
  )
  if (!refusal.includes('No IPs available in pools')) throw new DemoFailure(refusal)
  fact('one more neighbour', `refused: no address of ${pool?.cidr} is left`)
}

/** A late DEL of the container before must leave the new one alone. */
const restart = async (world: World, old: Pod, expected: string): Promise<Pod> => {
  const again = await world.newPod('redis-0', { ...fixed, containerID: 'demo-redis-0-again' })
  const address = await start(world, again)
  fact('redis-0 in a new container', address)
  if (address !== expected) throw new DemoFailure(`redis-0 had ${expected} and now has ${address}`)
  await stop(world, { ...old, attachment: { ...old.attachment, netns: '' } })
  fact('DEL of the old container', 'late, and changes nothing')
  const answers = await world.node.reaches(expected)
  check(`the node to redis-0 ${expected}`, answers, 'redis-0 does not answer a ping')
  return again
}

const giveUp = async (datastore: Datastore): Promise<void> => {
  const kept = await createIPAM({ datastore }).ipsByHandle(handle)
  fact('redis-0 deleted for good', `${kept.join(', ')} is kept for it`)
  await createIPAM({ datastore }).releaseByHandle(handle)
  fact('', `until ${handle} is released`)
}

export const keepAddress = async (world: World, datastore: Datastore): Promise<void> => {
  step('a fixed pod, on a pool of 8 addresses: the runtime passes its annotation')
  fact(pool?.name ?? '', pool?.cidr ?? '')
  const first = await world.newPod('redis-0', fixed)
  const address = await start(world, first)
  fact('redis-0', address)
  await stop(world, first)
  fact('redis-0', 'deleted')
  step('while it is away, neighbours take every other address')
  const neighbours = await startNeighbours(world)
  await refuseOneMore(world)
  step('it starts again, and keeps its address')
  const again = await restart(world, first, address)
  for (const pod of [...neighbours, again]) await stop(world, pod)
  await giveUp(datastore)
}
