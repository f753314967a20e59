/** What the parts of the traffic work with. */
import { collectGarbage, retentionVerdict } from '@hc-calico/controller'
import type { IPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { SeededRandom } from './seeded-random.ts'
import { prepareSettings } from './traffic/settings.ts'
import { Claims } from './truth/claims.ts'
import { Cluster } from './truth/cluster.ts'
import { FixedRecords } from './truth/fixed-records.ts'
import type { FixedSet } from './truth/fixed-set.ts'
import { History } from './truth/history.ts'
import type { Settings } from './truth/settings-over-time.ts'
import type { World } from './world.ts'

/** Where wrong decisions come in, to see whether anybody notices. */
export interface Parts {
  /** The datastore of every process. */
  readonly datastore: (datastore: Datastore) => Datastore
  /** What every process of ours calls. */
  readonly ipam: (ipam: IPAM, datastore: Datastore) => IPAM
  readonly collectGarbage: typeof collectGarbage
  readonly retentionVerdict: typeof retentionVerdict
  /** Whether a pod, as the API server has it now, still stands behind an allocation. */
  readonly revalidates: boolean
}

export interface Simulation {
  readonly world: World
  readonly parts: Parts
  readonly cluster: Cluster
  readonly claims: Claims
  readonly settings: Settings
  readonly records: FixedRecords
  readonly fixedSet: History<FixedSet>
  /** Nodes there ever are. */
  readonly nodes: ReadonlyArray<string>
  /** The node whose kubelet calls upstream's allocator, if any. */
  readonly upstreamNode: string | undefined
  /** What upstream's allocator has been asked for. */
  readonly upstreamHandles: Set<string>
  /** Identities whose parked addresses somebody wanted back: they may have gone, or not. */
  readonly releasable: Set<string>
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

/** Longer than any process can stand still: leaks are believed only after that. */
const graceMs = 900_000

/** A world with its cluster, in which nothing has happened yet. */
export const simulationOf = (world: World, nodes: ReadonlyArray<string>): Simulation => ({
  world,
  parts: {
    datastore: (datastore) => datastore,
    ipam: (ipam) => ipam,
    collectGarbage,
    retentionVerdict,
    revalidates: true,
  },
  cluster: new Cluster(nodes, { listed: ['b', 'c'], draining: [] }),
  claims: new Claims(),
  settings: prepareSettings(world, nodes),
  records: new FixedRecords(),
  fixedSet: new History<FixedSet>({
    ...{ goneSinceMs: undefined, replicas: 4, policy: { tag: 'WhileSetExists' } },
  }),
  nodes,
  upstreamNode: undefined,
  upstreamHandles: new Set(),
  releasable: new Set(),
  graceMs,
  isDraining: false,
})
