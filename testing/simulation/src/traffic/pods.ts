/** Ordinary pods: one life each, mostly with one container, sometimes with its successor too. */
import { SeededRandom, seedOf } from '../seeded-random.ts'
import type { Event, Simulation } from '../simulation.ts'
import type { Sandbox } from '../truth/sandboxes.ts'
import { letGo, type Running, startContainer, stopContainer } from './containers.ts'

const lifeMsMax = 240_000
const dualStackChance = 0.2
const serviceChance = 0.2
const libraryChance = 0.3

const nodeFor = ({ cluster }: Simulation, { random }: Event): string | undefined => {
  const nodes = [...cluster.nodes]
  return nodes.length === 0 ? undefined : random.pick(nodes)
}

/** Stops what runs, unless the world drains: then it must keep what it has, to the very end. */
const live = async (
  simulation: Simulation,
  running: Running,
  ms: number,
): Promise<'drained' | 'over'> => {
  await simulation.world.scheduler.sleep(ms)
  if (simulation.isDraining && simulation.cluster.nodes.has(running.sandbox.node)) return 'drained'
  letGo(simulation, running)
  return 'over'
}

const sandboxOf = (simulation: Simulation, event: Event, pod: string, node: string): Sandbox => {
  const { random } = event
  const isOurs = node !== simulation.upstreamNode
  const families = isOurs && random.chance(dualStackChance) ? 2 : 1
  const wantsService = isOurs && random.chance(serviceChance)
  const caller = random.chance(libraryChance) ? 'library' : 'plugin'
  // Whoever calls the core by itself knows nothing of services.
  const isOfService = wantsService && caller === 'plugin'
  return { handle: `k8s-pod-network.${pod}.0`, pod, node, families, isOfService, caller }
}

/** One pod, from its creation to the end of its last container. */
export const podLife = async (simulation: Simulation, event: Event, pod: string): Promise<void> => {
  const { world, cluster } = simulation
  const node = nodeFor(simulation, event)
  if (node === undefined) return
  const name = `default/${pod}`
  cluster.setPod(world.nowMs, name, { node, ips: [], isEvicted: false })
  let sandbox = sandboxOf(simulation, event, pod, node)
  const containers = event.random.chance(0.15) ? 2 : 1
  for (let n = 0; n < containers; n += 1) {
    sandbox = { ...sandbox, handle: `k8s-pod-network.${pod}.${n}` }
    const running = await startContainer(simulation, event, sandbox)
    const ms = event.random.between(1000, lifeMsMax)
    if (running !== undefined && (await live(simulation, running, ms)) === 'drained') return
    // It went with its node, which may be back by now.
    if (!cluster.pods.has(name)) return
    const isLast = n === containers - 1
    // The kubelet makes the next container at once; it sees to the end of the last one meanwhile.
    const stopped = stopContainer(simulation, event, sandbox)
    if (isLast || event.random.chance(0.5)) await stopped
  }
  cluster.setPod(world.nowMs, name, undefined)
}

/** A stream and names of its own for one of several things that an event starts. */
const partOf = ({ index, random }: Event, n: number): Event => ({
  index,
  random: new SeededRandom(seedOf(random.below(2 ** 32), n)),
  attempts: (n + 1) * 10_000,
})

/** Several pods at once, as a deployment that is rolled out makes them. */
export const rollout = async (simulation: Simulation, event: Event): Promise<void> => {
  const count = 3 + event.random.below(6)
  for (let n = 0; n < count; n += 1) {
    void podLife(simulation, partOf(event, n), `r${event.index}-${n}`)
    await simulation.world.scheduler.sleep(event.random.between(0.1, 300))
  }
}
