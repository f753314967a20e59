/** Runs one reconciler: by its period and its triggers, with growing pauses while it fails. */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import type { ControllerClock } from './clock.ts'
import { type Log, reasonOf } from './log.ts'
import { defaultSettleMs, defaultStallMs, type Reconciler } from './reconciler.ts'

export interface LoopDeps {
  readonly clock: ControllerClock
  readonly log: Log
  /** Told after every run. */
  readonly onRun?: (run: LoopRun) => void
}

export interface LoopRun {
  readonly name: string
  readonly tookMs: number
  /** Undefined: it succeeded. */
  readonly failure: string | undefined
}

export interface LoopState {
  readonly name: string
  /** On the monotonic clock; undefined while it is between two runs. */
  readonly runningSinceMs: number | undefined
  readonly lastSuccessMs: number | undefined
  readonly failure: string | undefined
  readonly isStalled: boolean
}

const retryMsMin = 1_000
const retryMsMax = 60_000
/** How often a loop looks whether what it needs has been listed. */
const needsMs = 250

/** Wakes whoever sleeps, once. A wake while nobody sleeps counts for the next sleep. */
class Doorbell {
  #ring: (() => void) | undefined
  #isRung = false

  ring(): void {
    this.#isRung = true
    this.#ring?.()
  }

  reset(): void {
    this.#isRung = false
  }

  /** Resolves to whether it was rung. */
  async sleep(clock: ControllerClock, ms: number, cancellation: Cancellation): Promise<boolean> {
    if (this.#isRung) return true
    const woken = new AbortController()
    const wake = (): void => woken.abort()
    cancellation.addEventListener('abort', wake)
    this.#ring = wake
    if (!cancellation.aborted) await clock.sleep(ms, woken.signal)
    this.#ring = undefined
    cancellation.removeEventListener('abort', wake)
    return this.#isRung
  }
}

export class Loop {
  readonly #reconciler: Reconciler
  readonly #deps: LoopDeps
  #runningSinceMs: number | undefined
  #lastSuccessMs: number | undefined
  #failure: string | undefined
  #failures = 0

  constructor(reconciler: Reconciler, deps: LoopDeps) {
    this.#reconciler = reconciler
    this.#deps = deps
  }

  get name(): string {
    return this.#reconciler.name
  }

  state(): LoopState {
    const runningMs =
      this.#runningSinceMs === undefined ? 0 : this.#deps.clock.monotonicMs() - this.#runningSinceMs
    return {
      name: this.name,
      runningSinceMs: this.#runningSinceMs,
      lastSuccessMs: this.#lastSuccessMs,
      failure: this.#failure,
      isStalled: runningMs > (this.#reconciler.stallMs ?? defaultStallMs),
    }
  }

  /** Until cancelled; resolves when a run that was under way has ended. */
  async run(cancellation: Cancellation): Promise<void> {
    const { clock } = this.#deps
    const { triggers = [] } = this.#reconciler
    const bell = new Doorbell()
    const ends = triggers.map((one) => one.subscribe(() => bell.ring()))
    while (!cancellation.aborted) {
      if (!this.#hasNeeds()) {
        await clock.sleep(needsMs, cancellation)
        continue
      }
      bell.reset()
      await this.#once(cancellation)
      await this.#rest(bell, cancellation)
    }
    for (const end of ends) end()
  }

  /** Until the next run is due. A failing loop is not woken sooner: its pause is meant. */
  async #rest(bell: Doorbell, cancellation: Cancellation): Promise<void> {
    const { clock } = this.#deps
    const { periodMs, settleMs = defaultSettleMs } = this.#reconciler
    if (this.#failures > 0) {
      const pauseMs = Math.min(retryMsMin * 2 ** (this.#failures - 1), retryMsMax)
      return clock.sleep(pauseMs, cancellation)
    }
    const isWoken = await bell.sleep(clock, periodMs, cancellation)
    if (isWoken && !cancellation.aborted) await clock.sleep(settleMs, cancellation)
  }

  #hasNeeds(): boolean {
    const nowMs = this.#deps.clock.monotonicMs()
    return this.#reconciler.needs.every((cache) => cache.isSynced && !cache.isStalled(nowMs))
  }

  async #once(cancellation: Cancellation): Promise<void> {
    const { clock, log, onRun } = this.#deps
    const startedMs = clock.monotonicMs()
    this.#runningSinceMs = startedMs
    try {
      await this.#reconciler.reconcile(cancellation)
      this.#failure = undefined
      this.#failures = 0
      this.#lastSuccessMs = clock.monotonicMs()
    } catch (thrown) {
      this.#failure = reasonOf(thrown)
      this.#failures += 1
      log.error('A loop failed', { loop: this.name, reason: this.#failure })
    }
    this.#runningSinceMs = undefined
    const tookMs = clock.monotonicMs() - startedMs
    onRun?.({ name: this.name, tookMs, failure: this.#failure })
  }
}
