/** Carries the plan out: each event at its time, all at once where they overlap. */
import type { Event, Simulation } from '../simulation.ts'
import { Collector } from './collector.ts'
import { edit } from './edits.ts'
import { Identities } from './identities.ts'
import { loseNode } from './nodes.ts'
import { type Planned, planned } from './plan.ts'
import { podLife, rollout } from './pods.ts'
import { Retention } from './retention.ts'
import { UpstreamCollector } from './upstream-collector.ts'

const identityCount = 4
/** As long as the longest of an event's doings may take. */
const lastEventMs = 1_200_000

export class Traffic {
  readonly simulation: Simulation
  readonly collector: Collector
  readonly identities: Identities
  readonly #upstreamCollector: UpstreamCollector
  readonly #retention: Retention
  /** Events that have taken place, with their names. */
  readonly done: Array<readonly [index: number, name: string]> = []

  constructor(simulation: Simulation) {
    this.simulation = simulation
    this.collector = new Collector(simulation)
    this.#upstreamCollector = new UpstreamCollector(simulation)
    this.identities = new Identities(simulation, identityCount)
    this.#retention = new Retention(simulation, this.identities)
  }

  /**
   * Until the world drains, or, where only some events are wanted, until the last of them has had its
   * time. Time passes as if all the others had taken place.
   */
  async run(wanted: ReadonlySet<number> | undefined): Promise<void> {
    const { world } = this.simulation
    const last = wanted === undefined ? Number.POSITIVE_INFINITY : Math.max(-1, ...wanted)
    for (let index = 0; index <= last; index += 1) {
      const event = planned(world.seed, world.store.mode, index)
      await world.scheduler.sleep(event.gapMs)
      if (this.simulation.isDraining) return
      if (wanted !== undefined && !wanted.has(index)) continue
      this.done.push([index, event.name])
      world.note(`event ${index}`, event.name)
      void this.#perform(event)
    }
    await world.scheduler.sleep(lastEventMs)
  }

  async #perform(event: Planned): Promise<void> {
    const { simulation, identities } = this
    const { world, nodes } = simulation
    const { name, random } = event
    switch (name) {
      case 'pod':
        return podLife(simulation, event, `p${event.index}`)
      case 'rollout':
        return rollout(simulation, event)
      case 'identity':
        return identities.next(event)
      case 'release an identity':
        return identities.release(event)
      case 'edit an identity':
        return identities.edit(event)
      case 'retain':
        return this.#retention.run(event)
      case 'collect':
        return this.collector.collect(event)
      case 'upstream collects':
        return this.#upstreamCollector.collect(event)
      case 'lose a node':
        return loseNode(simulation, event, identities)
      case 'cut a node off':
        return world.cutOff(random.pick(nodes), random.between(1000, 90_000))
      case 'set a clock':
        return world.jumpClock(random.pick(nodes), random)
      default:
        return edit(simulation, event, name)
    }
  }

  /** One more run of the controller's loops, outside the plan. */
  async collect(event: Event): Promise<void> {
    await this.collector.collect(event)
    await this.#retention.run(event)
  }
}
