/**
 * One process: a datastore client that suffers faults, and a clock that may be wrong. A process that
 * crashes never gets an answer again: its operation simply stops where it stood.
 */
import type { Clock } from '@hc-calico/ipam-core/ports'
import {
  type CommitFailure,
  type Committed,
  type Datastore,
  type DatastoreErrorTag,
  datastoreError,
  type Outcome,
  type Query,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
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

type CommitOutcome = Outcome<CommitFailure, Committed>

export class SimulatedProcess {
  readonly world: World
  readonly node: string
  /** Resolves when the process dies. */
  readonly death: Promise<void>
  #isDead = false
  #die: () => void = () => {}

  constructor(world: World, node: string) {
    this.world = world
    this.node = node
    this.death = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  get clock(): Clock {
    const skew = this.world.clockSkewOf(this.node)
    return {
      now: () => this.world.scheduler.now + skew,
      sleep: (ms) => this.world.scheduler.sleep(ms),
    }
  }

  get datastore(): Datastore {
    return {
      capabilities: this.world.store.isAtomic ? { atomicCommit: true } : {},
      read: (queries) => async () => (await this.#read(queries)) as never,
      commit: (writes) => () =>
        this.world.store.isAtomic ? this.#together(writes) : this.#each(writes),
      watch: () => {
        throw new Error('processes of the simulation do not watch')
      },
      close: async () => {},
    }
  }

  /** The way to the datastore or back: short, or minutes for a process that was paused; or no way. */
  async #travel(): Promise<void> {
    const { random, scheduler, faults } = this.world
    const isPaused = random.chance(faults.pause / 2)
    await scheduler.sleep(isPaused ? random.between(30_000, 600_000) : random.between(0.2, 4))
    if (!this.#isDead && random.chance(faults.crash / 2)) this.#crash()
    if (this.#isDead) await new Promise<never>(() => {})
  }

  #crash(): void {
    this.#isDead = true
    this.world.note(`${this.node}: a process crashes`)
    this.#die()
  }

  async #read(queries: ReadonlyArray<Query>) {
    const { store, random, faults } = this.world
    this.world.calls += 1
    await this.#travel()
    if (this.world.isCutOff(this.node) || random.chance(faults.unavailable)) {
      await this.world.scheduler.sleep(timeoutMs)
      return left(datastoreError('Unavailable', 'simulated: no answer to a read'))
    }
    const answers = queries.map((query) => store.answer(query, random.below(faults.listLag + 1)))
    await this.#travel()
    return right(answers)
  }

  /** What goes wrong with one request to write, if anything, before the store sees it. */
  async #mishap(apply: () => void): Promise<DatastoreErrorTag | undefined> {
    const { random, scheduler, faults } = this.world
    this.world.calls += 1
    await this.#travel()
    if (this.world.isCutOff(this.node) || random.chance(faults.unavailable)) return 'Unavailable'
    if (random.chance(faults.conflict)) return 'Conflict'
    if (random.chance(faults.requestLost)) {
      await scheduler.sleep(timeoutMs)
      return 'OutcomeUnknown'
    }
    if (random.chance(faults.appliedLate)) {
      void scheduler.sleep(random.between(10, 60_000)).then(apply)
      await scheduler.sleep(random.between(1, timeoutMs))
      return 'OutcomeUnknown'
    }
    if (random.chance(faults.replyLost)) {
      apply()
      await scheduler.sleep(timeoutMs)
      return 'OutcomeUnknown'
    }
    return undefined
  }

  async #together(writes: ReadonlyArray<Write>): Promise<CommitOutcome> {
    const { store } = this.world
    const holds = () => writes.every((write) => store.failureOf(write) === undefined)
    const applyAll = () => (holds() ? writes.map((write) => store.apply(write)) : [])
    const mishap = await this.#mishap(() => this.#written(applyAll, writes))
    if (mishap !== undefined) return failed(mishap, [])
    const error = writes.map((write) => store.failureOf(write)).find((one) => one !== undefined)
    const revisions = error === undefined ? this.#written(applyAll, writes) : []
    const current = writes.map(({ key }) => ({ key, found: store.get(key) }))
    await this.#travel()
    return error === undefined ? right({ revisions }) : left({ error, applied: [], current })
  }

  async #each(writes: ReadonlyArray<Write>): Promise<CommitOutcome> {
    const { store } = this.world
    const revisions: Array<Revision | undefined> = []
    for (const write of writes) {
      const apply = () => (store.failureOf(write) === undefined ? [store.apply(write)] : [])
      const mishap = await this.#mishap(() => this.#written(apply, [write]))
      if (mishap !== undefined) return failed(mishap, revisions)
      const error = store.failureOf(write)
      const current = [{ key: write.key, found: store.get(write.key) }]
      if (error === undefined) revisions.push(...this.#written(apply, [write]))
      await this.#travel()
      if (error !== undefined) return left({ error, applied: revisions, current })
    }
    return right({ revisions })
  }

  #written<A>(apply: () => A, writes: ReadonlyArray<Write>): A {
    this.world.noteWrites(this.node, writes)
    return apply()
  }
}

const failed = (
  tag: DatastoreErrorTag,
  applied: ReadonlyArray<Revision | undefined>,
): CommitOutcome => left({ error: datastoreError(tag, `simulated ${tag}`), applied, current: [] })
