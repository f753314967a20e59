/**
 * The demo's part on ServiceIPPool: where no Kubernetes API has the object, the configuration list
 * states it. It is edited between two starts, and nothing is restarted.
 */
import { check, DemoFailure, fact, step } from './narration.ts'
import { addressOf, type Pod, type World } from './world.ts'

interface Lists {
  readonly ipv4poolList: ReadonlyArray<string>
  readonly disabledIPv4PoolList?: ReadonlyArray<string>
}

const annotations = { serviceIPPoolcrd: 'svc1' }

const conflistOf = (world: World, lists: Lists) =>
  world.conflistWith({ service_ip_pools: [{ name: 'svc1', ...lists }] }, { assign_ipv6: 'false' })

const start = async (world: World, pod: Pod, lists: Lists, network: string): Promise<string> => {
  const address = addressOf(await world.cni.add(conflistOf(world, lists), pod.attachment))
  fact(pod.name, address)
  if (address.startsWith(network)) return address
  throw new DemoFailure(`${pod.name} has ${address}, which is not of ${network}`)
}

export const changePools = async (world: World): Promise<void> => {
  step('a service that is bound to a list of pools, which is edited between two starts')
  const before = { ipv4poolList: ['demo-a', 'demo-b'] }
  const after = { ...before, disabledIPv4PoolList: ['demo-a'] }
  const pods = [
    await world.newPod('web-0', { annotations }),
    await world.newPod('web-1', { annotations }),
  ] as const
  fact('svc1 lists', 'demo-a, demo-b')
  const first = await start(world, pods[0], before, '10.65.2.')
  fact('svc1 lists', 'demo-a, demo-b; demo-a drains')
  await start(world, pods[1], after, '10.65.3.')
  const answers = await world.node.reaches(first)
  check(`web-0 still answers at ${first}`, answers, 'web-0 does not answer a ping any more')
  for (const pod of pods) await world.cni.del(conflistOf(world, after), pod.attachment)
}
