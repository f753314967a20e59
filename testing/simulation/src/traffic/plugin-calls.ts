/**
 * ADD and DEL as the plugin carries them out: its own code, on a session of the simulated world. A
 * caller of the library asks the core for addresses without it.
 */
import {
  assignAddresses,
  CNIFailure,
  fixedAnnotation,
  type Identity,
  releaseAddresses,
  serviceAnnotation,
  unknownWorkload,
  type WorkloadFacts,
} from '@hc-calico/cni-plugin/addresses'
import { DatastoreFailure } from '@hc-calico/ipam-core/ports'
import type { Hands } from '../attempt.ts'
import type { Simulation } from '../simulation.ts'
import type { Sandbox } from '../truth/sandboxes.ts'
import { serviceOfPods, sessionFor } from './plugin-session.ts'
import { simulatedFailure } from './simulated-failure.ts'

const bare = (cidr: string): string => cidr.replace(/\/.*/, '')

const identityOf = ({ handle, pod, node }: Sandbox): Identity => ({
  orchestrator: 'k8s',
  namespace: 'default',
  pod,
  node,
  containerID: handle.replace(/^[^.]*\./, ''),
  endpoint: 'eth0',
  handleID: handle,
  legacyHandleID: `default.${pod}`,
})

const factsOf = ({ identity, isOfService }: Sandbox): WorkloadFacts => ({
  ...unknownWorkload,
  pod: {
    ...unknownWorkload.pod,
    annotations: {
      ...(identity === undefined ? {} : { [fixedAnnotation]: 'true' }),
      ...(isOfService ? { [serviceAnnotation]: serviceOfPods } : {}),
    },
  },
})

/** What the plugin says to the runtime is a failure like any other; what it never says is a bug. */
const failing = async <A>(work: Promise<A>): Promise<A> => {
  try {
    return await work
  } catch (thrown) {
    const isExpected = thrown instanceof CNIFailure || thrown instanceof DatastoreFailure
    const isOfServer = thrown instanceof Error && thrown.message.startsWith('simulated: ')
    if (isExpected || isOfServer) throw simulatedFailure((thrown as Error).message)
    throw thrown
  }
}

const addAsLibrary = async (
  { ipam }: Hands,
  { handle, node, pod, families }: Sandbox,
): Promise<ReadonlyArray<string>> => {
  const { v4, v6 } = await ipam.autoAssign({
    num4: 1,
    num6: families === 2 ? 1 : 0,
    handleID: handle,
    attrs: { node, pod, namespace: 'default' },
    host: node,
    intendedUse: 'Workload',
    maxAllocToHandlePerIPVersion: 1,
  })
  for (const one of [v4, v6]) {
    if (one !== undefined && one.ips.length < one.numRequested) {
      throw simulatedFailure(`short: ${one.messages.join('; ')}`)
    }
  }
  return [...(v4?.ips ?? []), ...(v6?.ips ?? [])].map(bare)
}

/** The addresses, IPv4 first. */
export const addAsPlugin = async (
  simulation: Simulation,
  hands: Hands,
  sandbox: Sandbox,
): Promise<ReadonlyArray<string>> => {
  if (sandbox.caller === 'library') return addAsLibrary(hands, sandbox)
  const { node, families } = sandbox
  const v6 = families === 2
  const plan = { tag: 'Automatic', v4: true, v6, ipv4Pools: [], ipv6Pools: [] } as const
  const request = { identity: identityOf(sandbox), facts: factsOf(sandbox), plan }
  const session = sessionFor(simulation, hands, node)
  const taken = await failing(assignAddresses(session, { ...request, reserveGateways: false }))
  return taken.map(({ ip }) => ip)
}

export const delAsPlugin = (
  simulation: Simulation,
  hands: Hands,
  sandbox: Sandbox,
): Promise<void> => {
  const session = sessionFor(simulation, hands, sandbox.node)
  return failing(releaseAddresses(session, identityOf(sandbox), []))
}
