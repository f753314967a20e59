/** Nanoseconds since the UNIX epoch, UTC. Block sequence numbers start from it. */
export type Instant = bigint

export interface Clock {
  now(): Instant
  /** Resolves after `ms` milliseconds (virtual ones, in the simulation). */
  sleep(ms: number): Promise<void>
}
