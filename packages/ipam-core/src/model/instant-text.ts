/** Stored times: RFC 3339, UTC, whole seconds with `Z`, as Calico writes them. */
import type { Instant } from '../ports/clock.ts'

export const instantText = (instant: Instant): string =>
  `${new Date(Number(instant / 1_000_000_000n) * 1000).toISOString().slice(0, 19)}Z`

/** Nanoseconds since the epoch, or undefined for text that is not a time. */
export const instantOf = (text: string): Instant | undefined => {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n
}
