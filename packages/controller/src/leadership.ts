/**
 * Competes for the lease, and while it is held runs the term: one async function that gets a
 * cancellation and resolves once it has stopped. The cancellation fires when the process is told to
 * stop and when the lease could not be renewed in time. The lease is renewed until the term has
 * ended, and given back after it, so that the other replica takes over at once and never too soon.
 */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client'
import type { ControllerClock } from './clock.ts'
import {
  afterRead,
  afterWrite,
  type ElectionLimits,
  type ElectionMemory,
  electionStep,
  isLeading,
} from './decisions/leader-election.ts'
import { type LeaseName, type ReadLease, readLease, writeLease } from './lease.ts'
import { type Log, reasonOf } from './log.ts'

export interface LeadershipOptions {
  readonly client: KubeClient
  readonly lease: LeaseName
  /** Who we are; no two processes have the same. */
  readonly self: string
  readonly limits: ElectionLimits
  readonly clock: ControllerClock
  readonly log: Log
  /** What is done while leading. Must not reject. */
  readonly term: (cancellation: Cancellation) => Promise<void>
}

interface Term {
  readonly end: () => void
  readonly ended: Promise<void>
  isOver: boolean
}

export class Leadership {
  readonly #options: LeadershipOptions
  #memory: ElectionMemory = {}
  #term: Term | undefined
  #mustStop = false

  constructor(options: LeadershipOptions) {
    this.#options = options
  }

  /** At this very moment, by our own clock. Asked before every write. */
  isLeading(): boolean {
    const { clock, limits } = this.#options
    return isLeading(this.#memory, clock.monotonicMs(), limits)
  }

  /** Until stopped; resolves when the last term has ended and the lease is given back. */
  async run(stop: Cancellation): Promise<void> {
    const onStop = (): void => {
      this.#mustStop = true
      this.#term?.end()
    }
    stop.addEventListener('abort', onStop)
    if (stop.aborted) onStop()
    while (!this.#mustStop || this.#term !== undefined) {
      const pauseMs = await this.#step()
      this.#beginOrEndTerm()
      await this.#pause(pauseMs, stop)
      if (this.#term?.isOver === true) this.#term = undefined
    }
    stop.removeEventListener('abort', onStop)
    await this.#giveBack()
  }

  async #pause(ms: number, stop: Cancellation): Promise<void> {
    const { clock } = this.#options
    const term = this.#term
    if (term === undefined) return clock.sleep(ms, stop)
    await Promise.race([clock.sleep(ms), term.ended])
  }

  /** One look at the lease, and what follows from it; resolves to how long to wait. */
  async #step(): Promise<number> {
    const { client, lease, limits, log } = this.#options
    try {
      const found = await this.#bounded(readLease(client, lease))
      return await this.#act(found)
    } catch (thrown) {
      log.warning('The lease cannot be kept', { reason: reasonOf(thrown) })
      return Math.min(limits.retryPeriodMs, this.#leftMs())
    }
  }

  async #act(found: ReadLease | undefined): Promise<number> {
    const { client, lease, self, limits, clock } = this.#options
    const nowMs = clock.monotonicMs()
    const common = { self, lease: found?.record, nowMs }
    this.#memory = afterRead({ ...common, memory: this.#memory, stopping: false })
    // A term that is ending keeps its lease; a process that is told to stop takes no new one.
    if (this.#mustStop && this.#term === undefined) return 0
    const step = electionStep({ ...common, memory: this.#memory, stopping: false }, limits)
    if (step.tag === 'Wait') return step.ms
    const { holder, transitions } = step
    const content = {
      ...{ holder, transitions },
      durationMs: limits.leaseDurationMs,
      nowMs: clock.wallMs(),
    }
    const written = await this.#bounded(writeLease(client, lease, content, found))
    // Somebody was faster, or nobody knows: read again, but never without a pause.
    if (written === undefined) return limits.retryPeriodMs / 4
    this.#memory = afterWrite(holder, written.version, nowMs)
    return limits.retryPeriodMs
  }

  /** A call that hangs must not outlast the term. */
  async #bounded<A>(call: Promise<A>): Promise<A> {
    const { clock, limits } = this.#options
    const end = new AbortController()
    const boundMs = Math.min(limits.renewDeadlineMs / 2, this.#leftMs())
    const late = clock.sleep(boundMs, end.signal).then(() => {
      if (!end.signal.aborted) throw new Error('no answer in time')
      return call
    })
    try {
      return await Promise.race([call, late])
    } finally {
      end.abort()
    }
  }

  /** Until the moment at which a term that cannot be renewed is over. */
  #leftMs(): number {
    const { renewedMs } = this.#memory
    if (renewedMs === undefined || !this.isLeading()) return Number.POSITIVE_INFINITY
    const { clock, limits } = this.#options
    return renewedMs + limits.renewDeadlineMs - clock.monotonicMs()
  }

  #beginOrEndTerm(): void {
    const { log, self } = this.#options
    const leads = this.isLeading()
    if (this.#term !== undefined) {
      if (!leads) {
        log.warning('Leadership is lost', { self })
        this.#term.end()
      }
      return
    }
    if (!leads || this.#mustStop) return
    log.info('Leading', { self })
    this.#term = this.#begin()
  }

  #begin(): Term {
    const controller = new AbortController()
    const term: Term = {
      end: () => controller.abort(),
      ended: this.#options.term(controller.signal).then(() => {
        term.isOver = true
      }),
      isOver: false,
    }
    return term
  }

  /** Only what is ours, and only once: failing that, the others wait for its time to run out. */
  async #giveBack(): Promise<void> {
    const { client, lease, self, limits, clock, log } = this.#options
    try {
      const found = await this.#bounded(readLease(client, lease))
      const nowMs = clock.monotonicMs()
      const common = { self, lease: found?.record, nowMs, stopping: true }
      this.#memory = afterRead({ ...common, memory: this.#memory })
      const step = electionStep({ ...common, memory: this.#memory }, limits)
      if (step.tag !== 'Update') return
      const { transitions } = step
      const content = { holder: '', transitions, durationMs: 1000, nowMs: clock.wallMs() }
      await this.#bounded(writeLease(client, lease, content, found))
      log.info('The lease is given back', { self })
    } catch (thrown) {
      log.warning('The lease could not be given back', { reason: reasonOf(thrown) })
    }
    this.#memory = {}
  }
}
