/**
 * A node is lost for good, and later one of the same name joins: its pods are gone without a DEL, its
 * processes too, and whatever they held is for garbage collection to find.
 */
import { attempt } from '../attempt.ts'
import { SimulatedProcess } from '../simulated-process.ts'
import type { Event, Simulation } from '../simulation.ts'
import type { Identities } from './identities.ts'
import { nodeWrite } from './settings.ts'

const absentMsMax = 3_600_000
const nodesMin = 2

export const loseNode = async (
  simulation: Simulation,
  event: Event,
  identities: Identities,
): Promise<void> => {
  const { world, cluster, claims } = simulation
  const { random } = event
  if (cluster.nodes.size <= nodesMin) return
  const node = random.pick([...cluster.nodes])
  cluster.nodes.delete(node)
  for (const process of world.running) {
    if (process instanceof SimulatedProcess && process.writer.node === node) process.kill()
  }
  identities.lost(node)
  for (const [name, pod] of [...cluster.pods]) {
    if (pod.node !== node) continue
    // Its own only: what an identity was released from may be somebody else's by now.
    const own = `k8s-pod-network.${name.replace('default/', '')}.`
    for (const address of pod.ips) {
      const claim = claims.get(address)
      if (claim?.handle.startsWith(own)) claims.end(address, claim.handle)
    }
    cluster.setPod(world.nowMs, name, undefined)
  }
  await writeNode(simulation, event, node, 'delete')
  await world.scheduler.sleep(random.between(60_000, absentMsMax))
  await writeNode(simulation, event, node, 'create')
  cluster.nodes.add(node)
}

/** Until it is done: on etcd this is upstream's node controller, on Kubernetes the API itself. */
const writeNode = async (
  simulation: Simulation,
  event: Event,
  name: string,
  op: 'create' | 'delete',
): Promise<void> => {
  const key = { kind: 'Node', name } as const
  const { world } = simulation
  for (let i = 0; i < 100; i += 1) {
    const found = world.store.get(key)
    if ((op === 'create') === (found !== undefined)) return
    await attempt(simulation, event, {
      node: 'operator',
      what: `${op} node ${name}`,
      run: ({ datastore }) =>
        datastore.commit([
          found === undefined ? nodeWrite(name) : { op: 'delete', key, revision: found.revision },
        ])(),
    })
  }
}
