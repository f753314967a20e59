/** The machine's clock. The core compiles without any runtime's types, so the timer is declared. */
import type { Clock } from './ports/clock.ts'

declare const setTimeout: (callback: () => void, ms: number) => unknown

export const systemClock: Clock = {
  now: () => BigInt(Date.now()) * 1_000_000n,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
