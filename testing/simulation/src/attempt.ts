/** One operation by one process: how it ended. A caller waits for two minutes, as kubelet does. */
import { createIPAM, type IPAM, IPAMFailure } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { SimulatedProcess } from './simulated-process.ts'
import type { World } from './world.ts'

/** Wraps a process's datastore; the mutants of the tests come in here. */
export type Wrap = (datastore: Datastore) => Datastore

export type Ended<A> =
  | { readonly tag: 'Done'; readonly result: A }
  | { readonly tag: 'Failed'; readonly reason: string }
  | { readonly tag: 'Crashed' | 'TimedOut' }

const callerPatienceMs = 120_000

export interface Act<A> {
  readonly node: string
  readonly what: string
  readonly run: (ipam: IPAM, datastore: Datastore) => Promise<A>
}

export const attempt = async <A>(world: World, wrap: Wrap, act: Act<A>): Promise<Ended<A>> => {
  const process = new SimulatedProcess(world, act.node)
  const datastore = wrap(process.datastore)
  const ipam = createIPAM({ datastore, clock: process.clock, random: world.random })
  const outcome: Promise<Ended<A>> = act
    .run(ipam, datastore)
    .then((result): Ended<A> => ({ tag: 'Done', result }))
    .catch((failure: unknown): Ended<A> => {
      // Whatever is not an IPAMFailure was thrown by accident: a bug, wherever it is.
      if (!(failure instanceof IPAMFailure)) world.violate(`${act.what}: threw ${String(failure)}`)
      return { tag: 'Failed', reason: String(failure) }
    })
  const ended = await Promise.race([
    outcome,
    process.death.then((): Ended<A> => ({ tag: 'Crashed' })),
    world.scheduler.sleep(callerPatienceMs).then((): Ended<A> => ({ tag: 'TimedOut' })),
  ])
  const words = ended.tag === 'Failed' ? ended.reason : JSON.stringify(wordsOf(ended))
  world.note(`${act.node}: ${act.what} ${ended.tag} ${words}`)
  return ended
}

const wordsOf = <A>(ended: Ended<A>): unknown => ('result' in ended ? (ended.result ?? '') : '')
