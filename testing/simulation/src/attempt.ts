/** One operation by one process: how it ended. A caller waits for two minutes, as kubelet does. */
import { createIPAM, type IPAM, IPAMFailure } from '@hc-calico/ipam-core'
import type { Cancellation, Datastore } from '@hc-calico/ipam-core/ports'
import { SimulatedProcess } from './simulated-process.ts'
import type { Event, Simulation } from './simulation.ts'
import type { World } from './world.ts'

export type Ended<A> =
  | { readonly tag: 'Done'; readonly result: A }
  | { readonly tag: 'Failed'; readonly reason: string }
  | { readonly tag: 'Crashed' | 'TimedOut' }

const callerPatienceMs = 120_000
/** A hundred tries of a read and three writes, for both families, and what is read before. */
const requestsMaxUsual = 1000

/** What an operation runs with. */
export interface Hands {
  readonly ipam: IPAM
  /** An IPAM with a deadline from now, as every command of the plugin has one. */
  readonly ipamWithin: (ms: number) => IPAM
  readonly datastore: Datastore
  readonly process: SimulatedProcess
}

export interface Act<A> {
  readonly node: string
  readonly what: string
  readonly isUpstream?: boolean
  /** Requests that may be needed for everything the operation is about. */
  readonly requestsMax?: number
  /** Told of the process as soon as there is one, so that its node can take it along when it dies. */
  readonly began?: (process: SimulatedProcess) => void
  readonly run: (hands: Hands) => Promise<A>
}

const deadlineIn = (world: World, ms: number): Cancellation => {
  const atMs = world.nowMs + ms
  return {
    get aborted() {
      return world.nowMs >= atMs
    },
    addEventListener: () => {},
    removeEventListener: () => {},
  }
}

export const attempt = async <A>(
  { world, parts }: Simulation,
  event: Event,
  act: Act<A>,
): Promise<Ended<A>> => {
  const { node, what, isUpstream = false, requestsMax = requestsMaxUsual } = act
  event.attempts += 1
  const place = [event.index, event.attempts] as const
  const process = new SimulatedProcess(world, { place, node, what, isUpstream, requestsMax })
  act.began?.(process)
  const datastore = parts.datastore(process.datastore)
  const { clock, random } = process
  const ipamWithin = (ms: number): IPAM => {
    const cancellation = deadlineIn(world, ms)
    return parts.ipam(createIPAM({ datastore, clock, random, cancellation }), datastore)
  }
  const ipam = parts.ipam(createIPAM({ datastore, clock, random }), datastore)
  const outcome: Promise<Ended<A>> = act
    .run({ ipam, ipamWithin, datastore, process })
    .then((result): Ended<A> => ({ tag: 'Done', result }))
    .catch((failure: unknown): Ended<A> => {
      // Whatever is not an IPAMFailure was thrown by accident: a bug, wherever it is.
      if (!(failure instanceof IPAMFailure)) {
        world.violate('every operation ends', `${what}: threw ${String(failure)}`)
      }
      return { tag: 'Failed', reason: String(failure) }
    })
  world.running.add(process)
  void Promise.race([outcome, process.death]).then(() => world.running.delete(process))
  const ended = await Promise.race([
    outcome,
    process.death.then((): Ended<A> => ({ tag: 'Crashed' })),
    world.scheduler.sleep(callerPatienceMs).then((): Ended<A> => ({ tag: 'TimedOut' })),
  ])
  world.note(node, `${what} ${ended.tag} ${wordsOf(ended)}`)
  return ended
}

const wordsOf = <A>(ended: Ended<A>): string => {
  if (ended.tag === 'Failed') return ended.reason
  return ended.tag === 'Done' && ended.result !== undefined ? JSON.stringify(ended.result) : ''
}
