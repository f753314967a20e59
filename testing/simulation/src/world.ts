/** Everything there is: the store, time, chance, which nodes are cut off, and what happened. */
import type { Write } from '@hc-calico/ipam-core/ports'
import { type Faults, noFaults } from './faults.ts'
import { Scheduler } from './scheduler.ts'
import { SeededRandom, seedOf } from './seeded-random.ts'
import { type Mode, SimulatedStore, type Writer } from './store/simulated-store.ts'
import { Trace } from './trace.ts'

/** What is wrong, and which checker says so. */
export interface Violation {
  readonly law: string
  readonly words: string
}

const skewMs = 2000

const hashOf = (text: string): number => {
  let hash = 2166136261
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619)
  return hash >>> 0
}

export class World {
  readonly seed: number
  readonly scheduler = new Scheduler()
  readonly store: SimulatedStore
  readonly trace = new Trace()
  /** Names of requests (`event.attempt.request`) that something may go wrong with; absent: all. */
  readonly onlyMishaps: ReadonlySet<string> | undefined
  /** Names of requests that something went wrong with. */
  readonly mishaps: string[] = []
  faults: Faults
  isHealed = false
  /** Requests to the datastore, of all processes. */
  calls = 0
  readonly violations: Violation[] = []
  /** Processes that have neither ended nor died. */
  readonly running = new Set<{ readonly writer: Writer }>()
  readonly #skews = new Map<string, bigint>()
  readonly #cutOffUntilMs = new Map<string, number>()

  constructor(
    seed: number,
    mode: Mode,
    faults: Faults,
    onlyMishaps: ReadonlySet<string> | undefined,
  ) {
    this.seed = seed
    this.faults = faults
    this.onlyMishaps = onlyMishaps
    this.store = new SimulatedStore(mode, () => this.scheduler.elapsedMs)
  }

  get nowMs(): number {
    return this.scheduler.elapsedMs
  }

  /** A stream of its own for something that has a name. */
  randomFor(name: string): SeededRandom {
    return new SeededRandom(seedOf(this.seed, hashOf(name)))
  }

  /** Nanoseconds a node's clock is wrong by, up to two seconds either way; on one machine, none. */
  clockSkewOf(node: string): bigint {
    if (this.store.mode === 'local') return this.#skews.get(node) ?? 0n
    const found = this.#skews.get(node)
    if (found !== undefined) return found
    this.jumpClock(node, this.randomFor(`skew ${node}`))
    return this.#skews.get(node) as bigint
  }

  /** Somebody set the clock of a node; never so far that it would be wrong by more than before. */
  jumpClock(node: string, random: SeededRandom): void {
    this.#skews.set(node, BigInt(Math.round(random.between(-skewMs, skewMs) * 1e6)))
  }

  isCutOff(node: string): boolean {
    const untilMs = this.#cutOffUntilMs.get(node)
    return untilMs !== undefined && untilMs > this.nowMs
  }

  cutOff(node: string, ms: number): void {
    this.#cutOffUntilMs.set(node, this.nowMs + ms)
  }

  /** No more faults from here on, and every node is reachable. */
  heal(): void {
    this.isHealed = true
    this.faults = noFaults
    this.#cutOffUntilMs.clear()
  }

  note(who: string, what: string | ReadonlyArray<Write>): void {
    this.trace.add(this.nowMs, who, what)
  }

  violate(law: string, words: string): void {
    this.note('VIOLATION', `${law}: ${words}`)
    this.violations.push({ law, words })
  }
}
