/** What the parts of the traffic work with. */
import type { collectGarbage } from '@hc-calico/controller'
import type { IPAM } from '@hc-calico/ipam-core'
import type { Datastore, Values } from '@hc-calico/ipam-core/ports'
import type { SeededRandom } from './seeded-random.ts'
import type { Claims } from './truth/claims.ts'
import type { Cluster } from './truth/cluster.ts'
import type { History } from './truth/history.ts'
import type { World } from './world.ts'

/** Where wrong decisions come in, to see whether anybody notices. */
export interface Parts {
  /** The datastore of every process. */
  readonly datastore: (datastore: Datastore) => Datastore
  /** What every process of ours calls. */
  readonly ipam: (ipam: IPAM, datastore: Datastore) => IPAM
  readonly collectGarbage: typeof collectGarbage
  /** Whether a pod, as the API server has it now, still stands behind an allocation. */
  readonly revalidates: boolean
}

/** The settings as they were over time; whoever acts may have read any that held meanwhile. */
export interface Settings {
  readonly pools: History<ReadonlyArray<Values['IPPool']>>
  readonly reserved: History<ReadonlyArray<string>>
  readonly config: History<Values['IPAMConfig']>
}

export interface Simulation {
  readonly world: World
  readonly parts: Parts
  readonly cluster: Cluster
  readonly claims: Claims
  readonly settings: Settings
  /** Nodes there ever are. */
  readonly nodes: ReadonlyArray<string>
  /** The node whose kubelet calls upstream's allocator, if any. */
  readonly upstreamNode: string | undefined
  /** What upstream's allocator has been asked for. */
  readonly upstreamHandles: Set<string>
  /** How long a suspicion of the collectors must last. */
  readonly graceMs: number
  /** Traffic stops making new work. */
  isDraining: boolean
}

/** One event of the plan: its own stream of chance, and names for what it makes. */
export interface Event {
  readonly index: number
  readonly random: SeededRandom
  /** Counts the operations that the event has started. */
  attempts: number
}
