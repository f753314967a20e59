/**
 * Virtual time. Everything that waits waits here; the scheduler wakes one sleeper at a time, the
 * earliest first, and lets all that follows from it settle before it wakes the next. Equal instants
 * are ordered by arrival, and instants come from the seed: a run has exactly one course.
 */
const startOfTime = 1_785_578_400_000_000_000n
const nanosecondsPerMs = 1_000_000

interface Sleeper {
  readonly at: bigint
  readonly wake: () => void
}

/** Promise callbacks all run before an immediate does. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class Scheduler {
  #now = startOfTime
  readonly #sleepers: Sleeper[] = []

  get now(): bigint {
    return this.#now
  }

  /** Virtual milliseconds since the start. */
  get elapsedMs(): number {
    return Number(this.#now - startOfTime) / nanosecondsPerMs
  }

  sleep(ms: number): Promise<void> {
    const at = this.#now + BigInt(Math.max(1, Math.round(ms * nanosecondsPerMs)))
    return new Promise((wake) => this.#insert({ at, wake }))
  }

  /** Runs until nobody sleeps any more, or `isOver` says so after a step. */
  async run(isOver: () => boolean): Promise<void> {
    await settled()
    for (let next = this.#sleepers.shift(); next !== undefined; next = this.#sleepers.shift()) {
      this.#now = next.at
      next.wake()
      await settled()
      if (isOver()) return
    }
  }

  #insert(sleeper: Sleeper): void {
    let low = 0
    let high = this.#sleepers.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sleepers[middle] as Sleeper).at <= sleeper.at) low = middle + 1
      else high = middle
    }
    this.#sleepers.splice(low, 0, sleeper)
  }
}
