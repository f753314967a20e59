/**
 * Virtual time. Everything that waits waits here; the scheduler wakes one sleeper at a time, the
 * earliest first, and lets all that follows from it settle before it wakes the next. Equal instants
 * are ordered by arrival, and instants come from the seed: a run has exactly one course.
 */
const startOfTime = 1_785_578_400_000_000_000n
const nanosecondsPerMs = 1_000_000
const stepsPerTurn = 512

interface Sleeper {
  /** Virtual nanoseconds since the start: exact for a hundred days. */
  readonly at: number
  readonly arrival: number
  readonly wake: () => void
}

const isBefore = (a: Sleeper, b: Sleeper): boolean =>
  a.at < b.at || (a.at === b.at && a.arrival < b.arrival)

/** Node runs a tick when every promise callback has run, and far cheaper than a timer. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** Lets what is not simulated have its turn: a signal, a test's time limit. */
const yielded = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class Scheduler {
  #now = 0
  #arrivals = 0
  /** A heap: the earliest first. */
  readonly #sleepers: Sleeper[] = []

  get now(): bigint {
    return startOfTime + BigInt(this.#now)
  }

  /** Virtual milliseconds since the start. */
  get elapsedMs(): number {
    return this.#now / nanosecondsPerMs
  }

  sleep(ms: number): Promise<void> {
    const at = this.#now + Math.max(1, Math.round(ms * nanosecondsPerMs))
    this.#arrivals += 1
    const arrival = this.#arrivals
    return new Promise((wake) => this.#push({ at, arrival, wake }))
  }

  /** Runs until nobody sleeps any more, or `isOver` says so after a step. */
  async run(isOver: () => boolean): Promise<void> {
    await settled()
    let steps = 0
    for (let next = this.#pop(); next !== undefined; next = this.#pop()) {
      this.#now = next.at
      next.wake()
      await settled()
      if (isOver()) return
      steps += 1
      if (steps % stepsPerTurn === 0) await yielded()
    }
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#sleepers
    let place = heap.length
    heap.push(sleeper)
    while (place > 0) {
      const above = (place - 1) >> 1
      if (!isBefore(sleeper, heap[above] as Sleeper)) break
      heap[place] = heap[above] as Sleeper
      place = above
    }
    heap[place] = sleeper
  }

  #pop(): Sleeper | undefined {
    const heap = this.#sleepers
    const [first] = heap
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return first
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      const right = heap[below + 1]
      if (right !== undefined && isBefore(right, heap[below] as Sleeper)) below += 1
      if (!isBefore(heap[below] as Sleeper, last)) break
      heap[place] = heap[below] as Sleeper
      place = below
    }
    heap[place] = last
    return first
  }
}
