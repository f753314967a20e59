/**
 * One process: a datastore client that suffers faults, and a clock that may be wrong. A process that
 * crashes never gets an answer again: its operation simply stops where it stood.
 */
import {
  type Clock,
  type CommitFailure,
  type Committed,
  type Datastore,
  type DatastoreErrorTag,
  datastoreError,
  type Key,
  type Outcome,
  type Query,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { type Mishap, mishapOf } from './faults.ts'
import { SeededRandom, seedOf } from './seeded-random.ts'
import type { Writer } from './store/simulated-store.ts'
import { watched } from './store/watch.ts'
import type { World } from './world.ts'

const left = <E>(error: E): { readonly _tag: 'Left'; readonly left: E } => ({
  _tag: 'Left',
  left: error,
})
const right = <A>(value: A): { readonly _tag: 'Right'; readonly right: A } => ({
  _tag: 'Right',
  right: value,
})

const timeoutMs = 5000
/** How far a cached list may be behind. */
export const staleMsMax = 2000
/** Shorter than any grace time: that is the assumption garbage collection stands on. */
export const pauseMsMax = 600_000

type CommitOutcome = Outcome<CommitFailure, Committed>
type Tag = Mishap['tag'] | undefined

export interface ProcessOptions {
  /** Its name, `event.attempt`: its choices depend on nothing else. */
  readonly place: readonly [event: number, attempt: number]
  readonly node: string
  readonly what: string
  /** Deletes as upstream's client: marks first, removes then. */
  readonly isUpstream?: boolean
  /** More requests than this, and the operation has no bound. */
  readonly requestsMax: number
}

export class SimulatedProcess {
  readonly world: World
  readonly options: ProcessOptions
  /** For jitter inside the operation. */
  readonly random: SeededRandom
  /** Resolves when the process dies. */
  readonly death: Promise<void>
  readonly writer: Writer
  readonly #seed: number
  #requests = 0
  #isDead = false
  #die: () => void = () => {}

  constructor(world: World, options: ProcessOptions) {
    this.world = world
    this.options = options
    const [event, attempt] = options.place
    this.#seed = seedOf(seedOf(world.seed, event), attempt)
    this.random = new SeededRandom(seedOf(this.#seed, -2))
    this.writer = { node: options.node, what: options.what, startedMs: world.nowMs }
    this.death = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  /** Requests so far. */
  get requests(): number {
    return this.#requests
  }

  get clock(): Clock {
    const { world, options } = this
    return {
      now: () => world.scheduler.now + world.clockSkewOf(options.node),
      sleep: (ms) => world.scheduler.sleep(ms),
    }
  }

  get datastore(): Datastore {
    const { store } = this.world
    return {
      capabilities: store.isAtomic ? { atomicCommit: true, watch: true } : { watch: true },
      read: (queries) => async () => (await this.#read(queries)) as never,
      commit: (writes) => () => (store.isAtomic ? this.#together(writes) : this.#each(writes)),
      watch: (kind) => watched(this.world, kind) as never,
      close: async () => {},
    }
  }

  kill(): void {
    if (this.#isDead) return
    this.#isDead = true
    this.world.note(this.options.node, `${this.options.what} dies`)
    this.#die()
  }

  /** Begins a request: its own stream of chance, and what goes wrong with it. */
  #begin(isWrite: boolean): { readonly random: SeededRandom; readonly mishap: Tag } {
    const { world } = this
    world.calls += 1
    this.#requests += 1
    if (this.#requests === this.options.requestsMax + 1) {
      world.violate('every operation ends', `${this.options.what}: more than ${this.#requests - 1}`)
    }
    const random = new SeededRandom(seedOf(this.#seed, this.#requests))
    const drawn = mishapOf(random, world.faults, isWrite)
    if (drawn === undefined) return { random, mishap: undefined }
    const name = `${this.options.place.join('.')}.${this.#requests}`
    if (world.onlyMishaps?.has(name) === false) return { random, mishap: undefined }
    world.mishaps.push(name)
    world.note(this.options.node, `${this.options.what}: ${drawn} (${name})`)
    return { random, mishap: drawn }
  }

  /** The way to the datastore or back: short, or minutes for a process that stands still. */
  async #travel(random: SeededRandom, isPaused: boolean, isFatal: boolean): Promise<void> {
    const ms = isPaused ? random.between(30_000, pauseMsMax) : random.between(0.2, 4)
    await this.world.scheduler.sleep(ms)
    if (isFatal) this.kill()
    if (this.#isDead) await new Promise<never>(() => {})
  }

  async #read(queries: ReadonlyArray<Query>) {
    const { scheduler } = this.world
    const { random, mishap } = this.#begin(false)
    await this.#travel(random, mishap === 'pauseBefore', mishap === 'crashBefore')
    if (this.world.isCutOff(this.options.node) || mishap === 'unavailable') {
      await scheduler.sleep(timeoutMs)
      return left(datastoreError('Unavailable', 'simulated: no answer to a read'))
    }
    const isCurrent = this.world.isHealed || random.chance(0.5)
    const lagMs = isCurrent ? 0 : random.between(0, staleMsMax)
    const answers = queries.map((query) => this.#answer(query, lagMs))
    await this.#travel(random, mishap === 'pauseAfter', mishap === 'crashAfter')
    return right(answers)
  }

  #answer(query: Query, lagMs: number) {
    const { store } = this.world
    if ('get' in query && store.isMarked(query.get)) store.completeDeletion(query.get)
    return store.answer(query, lagMs)
  }

  /** What became of one request to write, if it did not simply reach the store. */
  async #send(apply: () => void): Promise<{
    readonly failure: DatastoreErrorTag | undefined
    readonly back: () => Promise<void>
  }> {
    const { scheduler } = this.world
    const { random, mishap } = this.#begin(true)
    await this.#travel(random, mishap === 'pauseBefore', mishap === 'crashBefore')
    const back = () => this.#travel(random, mishap === 'pauseAfter', mishap === 'crashAfter')
    if (this.world.isCutOff(this.options.node)) return { failure: 'Unavailable', back }
    switch (mishap) {
      case 'unavailable':
        return { failure: 'Unavailable', back }
      case 'conflict':
        return { failure: 'Conflict', back }
      case 'appliedLate':
        void scheduler.sleep(random.between(10, 60_000)).then(apply)
        break
      case 'replyLost':
        apply()
        break
      case 'requestLost':
        break
      default:
        return { failure: undefined, back }
    }
    await scheduler.sleep(timeoutMs)
    return { failure: 'OutcomeUnknown', back }
  }

  /** Applies what still holds. */
  #apply(writes: ReadonlyArray<Write>): ReadonlyArray<Revision | undefined> {
    const { store } = this.world
    if (writes.some((write) => store.failureOf(write) !== undefined)) return []
    this.world.note(this.options.node, writes)
    return store.apply(writes, this.writer)
  }

  async #together(writes: ReadonlyArray<Write>): Promise<CommitOutcome> {
    const { store } = this.world
    const { failure, back } = await this.#send(() => this.#apply(writes))
    if (failure !== undefined) return failed(failure, [])
    const error = writes.map((write) => store.failureOf(write)).find((one) => one !== undefined)
    const revisions = error === undefined ? this.#apply(writes) : []
    const current =
      error === undefined
        ? []
        : writes.map(({ key }) => ({ key, found: store.get(key as Key) as never }))
    await back()
    return error === undefined ? right({ revisions }) : left({ error, applied: [], current })
  }

  async #each(writes: ReadonlyArray<Write>): Promise<CommitOutcome> {
    const { store } = this.world
    const revisions: Array<Revision | undefined> = []
    for (const write of writes) {
      // What is in the way may be marked as deleted: whoever meets it removes it, and tries again.
      if (write.op === 'create' && !this.options.isUpstream && store.isMarked(write.key)) {
        const { failure, back } = await this.#send(() => store.completeDeletion(write.key))
        if (failure !== undefined) return failed(failure, revisions)
        store.completeDeletion(write.key)
        await back()
      }
      if (write.op === 'delete' && this.options.isUpstream) {
        const refused = await this.#inTwoSteps(write, revisions)
        if (refused !== undefined) return refused
        continue
      }
      const { failure, back } = await this.#send(() => this.#apply([write]))
      if (failure !== undefined) return failed(failure, revisions)
      const error = store.failureOf(write)
      const current = [{ key: write.key, found: store.get(write.key as Key) as never }]
      if (error === undefined) revisions.push(...this.#apply([write]))
      await back()
      if (error !== undefined) return left({ error, applied: revisions, current })
    }
    return right({ revisions })
  }

  /** Upstream's delete: the mark is the compare-and-set, the removal asks for the same object only. */
  async #inTwoSteps(
    write: Write & { readonly op: 'delete' },
    revisions: Array<Revision | undefined>,
  ): Promise<CommitOutcome | undefined> {
    const { store } = this.world
    const mark = () => {
      const error = store.failureOf(write)
      if (error !== undefined) return error
      this.world.note(this.options.node, [write])
      store.mark(write, this.writer)
      return undefined
    }
    const marking = await this.#send(mark)
    if (marking.failure !== undefined) return failed(marking.failure, revisions)
    const error = mark()
    await marking.back()
    if (error !== undefined) return left({ error, applied: revisions, current: [] })
    const removing = await this.#send(() => store.completeDeletion(write.key))
    if (removing.failure === undefined) store.completeDeletion(write.key)
    await removing.back()
    revisions.push(undefined)
    return undefined
  }
}

const failed = (
  tag: DatastoreErrorTag,
  applied: ReadonlyArray<Revision | undefined>,
): CommitOutcome => left({ error: datastoreError(tag, `simulated ${tag}`), applied, current: [] })
