/** What the parts of the traffic work with. */
import type { Wrap } from './attempt.ts'
import type { Pods } from './pods.ts'
import type { World } from './world.ts'

export interface Simulation {
  readonly world: World
  readonly pods: Pods
  readonly wrap: Wrap
  readonly nodes: ReadonlyArray<string>
  /** Set for a run: what every allocator believes, and the store says. */
  readonly cooldownSeconds: number
  /** Traffic stops making new work. */
  isDraining: boolean
}
