/** Time as the controller uses it: a parameter, so that tests need not wait. */
import type { Cancellation } from '@hc-calico/ipam-core/ports'

export interface ControllerClock {
  /** Milliseconds that only ever grow; for durations and deadlines. */
  monotonicMs(): number
  /** Milliseconds since the epoch; for what people and other processes read. */
  wallMs(): number
  /** Resolves after `ms`, or at once when cancelled. */
  sleep(ms: number, cancellation?: Cancellation): Promise<void>
}

/** What timers can wait. */
const sleepMsMax = 2 ** 31 - 1

export const machineClock: ControllerClock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: (ms, cancellation) =>
    new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        cancellation?.removeEventListener('abort', finish)
        resolve()
      }
      const timer = setTimeout(finish, Math.min(Math.max(0, ms), sleepMsMax))
      cancellation?.addEventListener('abort', finish)
      if (cancellation?.aborted) finish()
    }),
}
