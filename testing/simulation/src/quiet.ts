/**
 * The end of a run: no more faults, no new traffic; what is under way ends, nodes are all there, every
 * node gives one more pod an address and takes it back, and garbage is collected until nothing can
 * be suspected any more.
 */
import { attempt } from './attempt.ts'
import { SeededRandom, seedOf } from './seeded-random.ts'
import type { Event, Simulation } from './simulation.ts'
import { startContainer, stopContainer } from './traffic/containers.ts'
import { edit } from './traffic/edits.ts'
import type { Traffic } from './traffic/traffic.ts'
import type { Sandbox } from './truth/sandboxes.ts'

/** Longer than every pause, timeout, absence and late write together. */
const settleMs = 7_200_000
const collections = 5
/** Events of the quiet end have indices that no plan reaches. */
const firstIndex = 1_000_000_000

const probe = async (simulation: Simulation, event: Event, node: string): Promise<void> => {
  const { world, cluster, upstreamNode } = simulation
  const pod = `probe-${node}`
  const sandbox: Sandbox = {
    handle: `k8s-pod-network.${pod}`,
    pod,
    node,
    families: 1,
    isOfService: false,
    caller: 'plugin',
  }
  cluster.setPod(world.nowMs, `default/${pod}`, { node, ips: [], isEvicted: false })
  const running = await startContainer(simulation, event, sandbox)
  if (running === undefined && node !== upstreamNode) {
    world.violate('the world recovers', `${node} gives no address, and pools have room`)
  }
  for (const address of running?.addresses ?? []) simulation.claims.end(address, sandbox.handle)
  await stopContainer(simulation, event, sandbox)
  cluster.setPod(world.nowMs, `default/${pod}`, undefined)
}

/** What a node does not need: afterwards every affinity has its block. */
const giveBlocksBack = (simulation: Simulation, event: Event, host: string) =>
  attempt(simulation, event, {
    node: 'operator',
    what: `release empty blocks of ${host}`,
    run: ({ ipam }) => ipam.releaseHostAffinities({ type: 'host', host }, { mustBeEmpty: true }),
  })

export const quieten = async (simulation: Simulation, traffic: Traffic): Promise<void> => {
  const { world, nodes } = simulation
  let index = firstIndex
  const event = (): Event => {
    index += 1
    return { index, random: new SeededRandom(seedOf(world.seed, index)), attempts: 0 }
  }
  simulation.isDraining = true
  world.heal()
  world.note('quiet', 'begins')
  await edit(simulation, event(), 'reset the settings')
  // Whatever has no pod now is to be given back.
  const scaledDown = {
    goneSinceMs: undefined,
    replicas: 0,
    policy: { tag: 'ReleaseOnScaleDown' },
  } as const
  simulation.fixedSet.set(world.nowMs, scaledDown)
  await world.scheduler.sleep(settleMs)
  for (let i = 0; i < collections; i += 1) {
    if (i === 1) for (const node of nodes) await probe(simulation, event(), node)
    await traffic.collect(event())
    await world.scheduler.sleep(simulation.graceMs)
  }
  // A claim that died leaves its affinity pending, which is as good as absent; this meets them all.
  for (const node of nodes) await giveBlocksBack(simulation, event(), node)
}
