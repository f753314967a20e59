/** Everything there is: the store, time, chance, which nodes are cut off, and what happened. */
import { keyText, type Write } from '@hc-calico/ipam-core/ports'
import { type Faults, noFaults } from './faults.ts'
import { Scheduler } from './scheduler.ts'
import { SeededRandom } from './seeded-random.ts'
import { type Mode, SimulatedStore } from './simulated-store.ts'

const traceLinesMax = 4000

export class World {
  readonly scheduler = new Scheduler()
  readonly random: SeededRandom
  readonly store: SimulatedStore
  faults: Faults
  /** Requests to the datastore, of all processes. */
  calls = 0
  readonly violations: string[] = []
  readonly trace: string[] = []
  readonly #skews = new Map<string, bigint>()
  readonly #cutOffUntilMs = new Map<string, number>()

  constructor(seed: number, mode: Mode, faults: Faults) {
    this.random = new SeededRandom(seed)
    this.store = new SimulatedStore(mode)
    this.faults = faults
  }

  /** Nanoseconds a node's clock is wrong by, up to two seconds either way. */
  clockSkewOf(node: string): bigint {
    const skew = this.#skews.get(node) ?? BigInt(Math.round(this.random.between(-2e9, 2e9)))
    this.#skews.set(node, skew)
    return skew
  }

  isCutOff(node: string): boolean {
    return (this.#cutOffUntilMs.get(node) ?? 0) > this.scheduler.elapsedMs
  }

  cutOff(node: string, ms: number): void {
    this.#cutOffUntilMs.set(node, this.scheduler.elapsedMs + ms)
    this.note(`${node}: cut off for ${Math.round(ms / 1000)} s`)
  }

  /** No more faults from here on, and every node is reachable. */
  heal(): void {
    this.faults = noFaults
    this.#cutOffUntilMs.clear()
  }

  note(line: string): void {
    this.trace.push(`${(this.scheduler.elapsedMs / 1000).toFixed(3)}s ${line}`)
    if (this.trace.length > traceLinesMax) this.trace.splice(0, traceLinesMax / 2)
  }

  noteWrites(node: string, writes: ReadonlyArray<Write>): void {
    this.note(`${node}: ${writes.map(({ op, key }) => `${op} ${keyText(key)}`).join(', ')}`)
  }

  violate(what: string): void {
    this.note(`VIOLATION ${what}`)
    this.violations.push(what)
  }
}
