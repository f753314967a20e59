import type { Limits } from '../limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { CallOptions, Datastore } from '../ports/datastore.ts'
import type { Observer } from '../ports/observer.ts'
import type { Random } from '../ports/random.ts'

/** Everything an operation may touch besides its arguments. */
export interface Deps {
  readonly datastore: Datastore
  readonly clock: Clock
  readonly random: Random
  readonly observe: Observer
  readonly limits: Limits
  readonly callOptions: CallOptions
}
