/**
 * The kubelet's part: ADD for a container of a pod, repeated under the same name or given up; DEL
 * repeated until it succeeds, and sometimes once more, later. Kept apart from the pod, which may
 * have several containers one after the other.
 */
import { attempt, type Ended } from '../attempt.ts'
import { judgeAnswer } from '../checkers/answers.ts'
import type { SimulatedProcess } from '../simulated-process.ts'
import type { Event, Simulation } from '../simulation.ts'
import type { Sandbox } from '../truth/sandboxes.ts'
import { addAsPlugin, delAsPlugin } from './plugin-calls.ts'
import { upstreamAssign, upstreamRelease } from './upstream.ts'

const addAttemptsMax = 3
const delAttemptsMax = 60

/** A container that runs, with what it was told. */
export interface Running {
  readonly sandbox: Sandbox
  readonly addresses: ReadonlyArray<string>
}

type Added = Ended<ReadonlyArray<string>>

/** An ADD that takes too long is killed, or left to itself. */
const add = async (
  simulation: Simulation,
  event: Event,
  sandbox: Sandbox,
): Promise<Added | { readonly tag: 'LeftAlone' }> => {
  const isUpstream = sandbox.node === simulation.upstreamNode
  if (isUpstream) simulation.upstreamHandles.add(sandbox.handle)
  let process: SimulatedProcess | undefined
  const ended = await attempt(simulation, event, {
    node: sandbox.node,
    what: `ADD ${sandbox.handle}`,
    isUpstream,
    began: (one) => {
      process = one
    },
    run: (hands) =>
      isUpstream ? upstreamAssign(hands, sandbox) : addAsPlugin(simulation, hands, sandbox),
  })
  if (ended.tag !== 'TimedOut') return ended
  const isKilled = event.random.chance(0.5)
  if (isKilled) process?.kill()
  return isKilled ? ended : { tag: 'LeftAlone' }
}

const del = (simulation: Simulation, event: Event, sandbox: Sandbox): Promise<Ended<void>> => {
  const isUpstream = sandbox.node === simulation.upstreamNode
  return attempt(simulation, event, {
    node: sandbox.node,
    what: `DEL ${sandbox.handle}`,
    isUpstream,
    run: (hands) =>
      isUpstream ? upstreamRelease(hands, sandbox.handle) : delAsPlugin(simulation, hands, sandbox),
  })
}

const enter = (simulation: Simulation, { sandbox, addresses }: Running): void => {
  const { claims, cluster, world } = simulation
  const { identity, pod, node, handle } = sandbox
  for (const address of addresses) {
    claims.set(address, identity === undefined ? { handle } : { handle: identity, holder: handle })
  }
  const known = cluster.pods.get(`default/${pod}`)
  if (known !== undefined) {
    cluster.setPod(world.nowMs, `default/${pod}`, { ...known, node, ips: addresses })
  }
}

/** What an identity has had, and since when it may have been given it. */
export interface Before {
  readonly kept: ReadonlyArray<string>
  readonly sinceMs: number
  readonly wished: ReadonlySet<string>
}

/** A container starts; undefined when its node is gone or the kubelet has given up. */
export const startContainer = async (
  simulation: Simulation,
  event: Event,
  sandbox: Sandbox,
  before: Before = { kept: [], sinceMs: simulation.world.nowMs, wished: new Set() },
): Promise<Running | undefined> => {
  const { world, cluster } = simulation
  for (let i = 0; i < addAttemptsMax; i += 1) {
    if (!cluster.nodes.has(sandbox.node)) return undefined
    const ended = await add(simulation, event, sandbox)
    if (ended.tag === 'Done') {
      if (!cluster.nodes.has(sandbox.node)) return undefined
      const running = { sandbox, addresses: ended.result }
      const isUpstream = sandbox.node === simulation.upstreamNode
      if (isUpstream && ended.result.length === 0) return undefined
      const { sinceMs, kept, wished } = before
      judgeAnswer(simulation, { ...running, sinceMs, kept, wished })
      enter(simulation, running)
      return running
    }
    // While one ADD is at work, no runtime begins another for the same container.
    if (ended.tag === 'LeftAlone' && sandbox.caller === 'plugin') return undefined
    // A replay under the same handle is ours only: upstream's plugin releases first.
    if (sandbox.node === simulation.upstreamNode || event.random.chance(0.3)) return undefined
    await world.scheduler.sleep(event.random.between(100, 5000))
  }
  return undefined
}

/** From here on it may not count on its addresses any more. */
export const letGo = ({ claims }: Simulation, { sandbox, addresses }: Running): void => {
  const { handle, identity } = sandbox
  for (const address of addresses) {
    if (identity === undefined) claims.end(address, handle)
    else claims.letGo(address, { handle: identity, holder: handle })
  }
}

/** DEL until it succeeds; also for a container whose ADD failed. */
export const stopContainer = async (
  simulation: Simulation,
  event: Event,
  sandbox: Sandbox,
): Promise<void> => {
  const { world, cluster } = simulation
  for (let i = 0; i < delAttemptsMax; i += 1) {
    if (!cluster.nodes.has(sandbox.node)) return
    const ended = await del(simulation, event, sandbox)
    if (ended.tag === 'Done') break
    await world.scheduler.sleep(event.random.between(100, 10_000))
  }
  if (!event.random.chance(0.1)) return
  const later = event.random.between(1000, 300_000)
  void world.scheduler.sleep(later).then(() => del(simulation, event, sandbox))
}
