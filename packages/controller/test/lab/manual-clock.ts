/** Time that passes only when a test says so. */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import type { ControllerClock } from '../../src/clock.ts'

interface Sleeper {
  readonly untilMs: number
  readonly wake: () => void
}

export interface ManualClock extends ControllerClock {
  /** Wakes everybody who is due on the way, in order, and lets each act. */
  advance(ms: number): Promise<void>
}

/** What waits for nothing but other promises has acted after this. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export const manualClock = (startMs = 1_000): ManualClock => {
  let nowMs = startMs
  const sleepers = new Set<Sleeper>()
  const sleep = (ms: number, cancellation?: Cancellation): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        sleepers.delete(sleeper)
        cancellation?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { untilMs: nowMs + ms, wake }
      sleepers.add(sleeper)
      cancellation?.addEventListener('abort', wake)
      if (cancellation?.aborted) wake()
    })
  return {
    monotonicMs: () => nowMs,
    wallMs: () => 1_700_000_000_000 + nowMs,
    sleep,
    advance: async (ms) => {
      const endMs = nowMs + ms
      await settled()
      for (;;) {
        const [next] = [...sleepers].sort((a, b) => a.untilMs - b.untilMs)
        if (next === undefined || next.untilMs > endMs) break
        nowMs = Math.max(nowMs, next.untilMs)
        next.wake()
        await settled()
      }
      nowMs = endMs
      await settled()
    },
  }
}
