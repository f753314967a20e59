/** What an IPAM is made of, with the defaults for everything but the datastore. */
import { defaultLimits, type Limits } from './limits.ts'
import type { Deps } from './operations/deps.ts'
import type { Cancellation } from './ports/cancellation.ts'
import type { Clock } from './ports/clock.ts'
import type { Datastore } from './ports/datastore.ts'
import type { Observer } from './ports/observer.ts'
import type { Random } from './ports/random.ts'
import { systemClock } from './system-clock.ts'

export interface IPAMOptions {
  readonly datastore: Datastore
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Used for the jitter of pauses only. Default: Math.random. */
  readonly random?: Random
  /** Called for every read, commit, retry and note; must not throw. Default: nobody listens. */
  readonly observe?: Observer
  /** Bounds that differ from `defaultLimits`. */
  readonly limits?: Partial<Limits>
  /** An AbortSignal will do. Once it fires, operations end before their next datastore call. */
  readonly cancellation?: Cancellation
}

export const createDeps = (options: IPAMOptions): Deps => ({
  datastore: options.datastore,
  clock: options.clock ?? systemClock,
  random: options.random ?? { next: Math.random },
  observe: options.observe ?? (() => {}),
  limits: { ...defaultLimits, ...options.limits },
  callOptions: options.cancellation === undefined ? {} : { cancellation: options.cancellation },
})
