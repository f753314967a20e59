/** Nodes are cut off, lose their blocks, and affinities are released while pods come and go. */
import { attempt } from '../attempt.ts'
import type { Simulation } from '../simulation.ts'

export const partitions = async (simulation: Simulation): Promise<void> => {
  const { world, nodes } = simulation
  while (!simulation.isDraining) {
    await world.scheduler.sleep(1000)
    for (const node of nodes) {
      if (world.random.chance(world.faults.partition)) {
        world.cutOff(node, world.random.between(1000, 90_000))
      }
    }
  }
}

/** An operator or a controller gives blocks back, gently or not, and configuration is written. */
export const affinityEdits = async (simulation: Simulation): Promise<void> => {
  const { world, wrap, nodes } = simulation
  while (!simulation.isDraining) {
    await world.scheduler.sleep(world.random.between(5000, 90_000))
    const host = world.random.pick(nodes)
    const mustBeEmpty = world.random.chance(0.7)
    const isRemoval = world.random.chance(0.2)
    await attempt(world, wrap, {
      node: 'operator',
      what: isRemoval ? `remove ${host}` : `release affinities of ${host}`,
      run: (ipam) =>
        isRemoval
          ? ipam.removeIPAMHost(host)
          : ipam.releaseHostAffinities({ type: 'host', host }, { mustBeEmpty }),
    })
  }
}
