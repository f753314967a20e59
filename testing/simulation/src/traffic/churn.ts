/**
 * Pods come and go on every node, as kubelet drives them: an ADD that failed, crashed or took too
 * long is repeated or given up; a DEL is repeated until it succeeds, and sometimes once more later.
 */
import { IPAMFailure } from '@hc-calico/ipam-core'
import { attempt, type Ended } from '../attempt.ts'
import type { Pod } from '../pods.ts'
import type { Simulation } from '../simulation.ts'
import { upstreamAssign, upstreamRelease } from './upstream.ts'

const addAttemptsMax = 3
const delAttemptsMax = 60

const upstreamRequest = ({ world, cooldownSeconds }: Simulation, pod: Pod) => ({
  host: pod.node,
  handle: pod.handle,
  now: () => world.scheduler.now,
  cooldownSeconds,
})

const add = (simulation: Simulation, pod: Pod): Promise<Ended<string | undefined>> =>
  attempt(simulation.world, simulation.wrap, {
    node: pod.node,
    what: `ADD ${pod.handle}`,
    run: async (ipam, datastore) => {
      if (pod.isUpstream) return upstreamAssign(datastore, upstreamRequest(simulation, pod))
      const result = await ipam.autoAssign({
        num4: 1,
        handleID: pod.handle,
        attrs: { node: pod.node, pod: pod.handle, namespace: 'default' },
        host: pod.node,
        intendedUse: 'Workload',
        maxAllocToHandlePerIPVersion: 1,
      })
      return result.v4?.ips[0]?.replace(/\/.*/, '')
    },
  })

const del = (simulation: Simulation, pod: Pod): Promise<Ended<void>> =>
  attempt(simulation.world, simulation.wrap, {
    node: pod.node,
    what: `DEL ${pod.handle}`,
    run: async (ipam, datastore) => {
      if (pod.isUpstream) return upstreamRelease(datastore, upstreamRequest(simulation, pod))
      try {
        await ipam.releaseByHandle(pod.handle)
      } catch (failure) {
        if (!(failure instanceof IPAMFailure) || failure.tag !== 'HandleMissing') throw failure
      }
    },
  })

const start = async (simulation: Simulation, pod: Pod): Promise<void> => {
  const { world, pods } = simulation
  for (let i = 0; i < addAttemptsMax; i += 1) {
    const ended = await add(simulation, pod)
    if (ended.tag === 'Done' && ended.result !== undefined) {
      const other = pods.holderOf(ended.result)
      if (other !== undefined) world.violate(`${ended.result}: ${other.handle} and ${pod.handle}`)
      pods.becomesLive(pod, ended.result)
      return
    }
    // A replay under the same handle is ours only: upstream's plugin releases first.
    if (pod.isUpstream || world.random.chance(0.3)) return
    await world.scheduler.sleep(world.random.between(100, 5000))
  }
}

const stop = async (simulation: Simulation, pod: Pod): Promise<void> => {
  const { world, pods } = simulation
  pods.stops(pod)
  for (let i = 0; i < delAttemptsMax; i += 1) {
    const ended = await del(simulation, pod)
    if (ended.tag === 'Done') break
    await world.scheduler.sleep(world.random.between(100, 10_000))
  }
  pod.state = 'gone'
  if (!world.random.chance(0.1)) return
  void world.scheduler.sleep(world.random.between(1000, 300_000)).then(() => del(simulation, pod))
}

/** One place for pods on one node: one after another, until the traffic drains. */
export const churn = async (
  simulation: Simulation,
  node: string,
  isUpstream: boolean,
): Promise<void> => {
  const { world, pods } = simulation
  while (!simulation.isDraining) {
    await world.scheduler.sleep(world.random.between(1, 20_000))
    const pod = pods.create(node, isUpstream)
    await start(simulation, pod)
    await world.scheduler.sleep(world.random.between(1000, 90_000))
    // Some pods outlive the traffic: they must still have their address at the very end.
    if (simulation.isDraining && pod.state === 'live') return
    await stop(simulation, pod)
  }
}
