/**
 * Retention as the controller carries it out: its real inventory of the blocks and its real verdict, on
 * caches that are behind; before anything is given back, the API server is asked and judged by once
 * more, and the keys leave the record. Whoever crashed has seen no absence yet.
 */
import { type FixedIdentity, fixedInventory } from '@hc-calico/controller'
import { attempt, type Hands } from '../attempt.ts'
import type { Event, Simulation } from '../simulation.ts'
import { PodInformer } from '../truth/cluster.ts'
import type { FixedSet } from '../truth/fixed-set.ts'
import { allocationsIn } from './allocations.ts'
import type { Identities } from './identities.ts'
import { WatchedKind } from './watched-kind.ts'

const requestsMax = 20_000
const lagMsMax = 5000
const limits = { graceMs: 60_000, unknownPolicyMs: 3_600_000 }

export class Retention {
  readonly #simulation: Simulation
  readonly #identities: Identities
  readonly #blocks: WatchedKind<'Block'>
  readonly #informer: PodInformer
  /** By handle: since when its set or its ordinal has been seen to be absent. */
  #absences = new Map<string, number>()

  constructor(simulation: Simulation, identities: Identities) {
    this.#simulation = simulation
    this.#identities = identities
    this.#blocks = new WatchedKind(simulation.world, 'Block')
    this.#informer = new PodInformer(simulation.cluster)
  }

  async run(event: Event): Promise<void> {
    if (!this.#blocks.isSynced) return
    const { world, fixedSet } = this.#simulation
    const lagMs = world.isHealed ? 0 : event.random.between(0, lagMsMax)
    this.#informer.catchUp(world.nowMs - lagMs)
    const set = fixedSet.since(world.nowMs - lagMs).at(-1) as FixedSet
    const ended = await attempt(this.#simulation, event, {
      node: 'controller',
      what: 'retention',
      requestsMax,
      run: (hands) => this.#all(hands, set),
    })
    if (ended.tag === 'Crashed') this.#absences = new Map()
  }

  async #all(hands: Hands, set: FixedSet): Promise<void> {
    const allocations = this.#blocks.all.flatMap(({ value }) => allocationsIn(value))
    for (const identity of fixedInventory([{ allocations }]).values()) {
      const { handleID, pod, holder } = identity
      const isThere = this.#informer.pods.has(`default/${pod}`)
      const verdict = this.#judge(identity, set, isThere || holder !== undefined)
      if (verdict.tag === 'Keep') this.#absences.delete(handleID)
      if (verdict.tag === 'Watch') this.#absences.set(handleID, verdict.sinceMs)
      if (verdict.tag === 'Release') await this.#release(hands, identity)
    }
  }

  #judge({ handleID, ordinal }: FixedIdentity, set: FixedSet, inUse: boolean) {
    const { world, parts } = this.#simulation
    const { goneSinceMs, replicas, policy } = set
    const known = { replicas, firstOrdinal: 0, reserved: new Set<number>(), policy }
    return parts.retentionVerdict(
      {
        ...{ ordinal, inUse, recordedPolicy: policy, nowMs: world.nowMs },
        set: goneSinceMs === undefined ? known : undefined,
        setGoneForMs: goneSinceMs === undefined ? 0 : world.nowMs - goneSinceMs,
        absentSinceMs: this.#absences.get(handleID),
      },
      limits,
    )
  }

  async #release({ ipam, process }: Hands, identity: FixedIdentity): Promise<void> {
    const { world, cluster, fixedSet, parts } = this.#simulation
    const { handleID, pod, holder, addresses } = identity
    await world.scheduler.sleep(process.random.between(0.5, 20))
    const isThere = cluster.pods.has(`default/${pod}`) || holder !== undefined
    const verdict = this.#judge(identity, fixedSet.now, isThere)
    if (parts.revalidates && verdict.tag !== 'Release') {
      this.#absences.delete(handleID)
      return
    }
    this.#identities.giveUp(handleID)
    await world.scheduler.sleep(process.random.between(0.5, 20))
    for (const epoch of new Set(addresses.map((one) => one.epoch))) {
      const ips = addresses.filter((one) => one.epoch === epoch).map(({ ip }) => ip)
      await ipam.releaseFixed({ handleID, epoch, ips })
    }
  }
}
