/**
 * Who leads, over one Lease. Nobody compares its clock with a time that another process wrote: a
 * candidate counts, on its own clock, how long the record has stayed the same since it first saw
 * it, so clocks that are hours apart do no harm; only clocks that run at different speeds could,
 * and the limits leave room for that. The leader counts from before it sent its last successful
 * renewal, and stops acting well before any candidate may take over, whether it can reach the API or not.
 */

/** What the Lease says. `version` changes with every write of it (its resourceVersion). */
export interface LeaseRecord {
  readonly version: string
  /** Empty after a leader gave up on purpose: free at once. */
  readonly holder: string
  readonly transitions: number
}

export interface ElectionLimits {
  /** How long a record must stay unchanged before somebody else may take it. */
  readonly leaseDurationMs: number
  /** A leader that could not renew for so long stops acting. */
  readonly renewDeadlineMs: number
  /** Pause between two renewals, or two looks at another's lease. */
  readonly retryPeriodMs: number
}

export const defaultElectionLimits: ElectionLimits = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
}

/** What a process remembers between two steps; all times on its own monotonic clock. */
export interface ElectionMemory {
  /** The version seen last, and when it was first seen. */
  readonly seen?: { readonly version: string; readonly sinceMs: number }
  /** When the last renewal that succeeded was sent; absent while somebody else leads. */
  readonly renewedMs?: number
}

export type ElectionStep =
  | { readonly tag: 'Create'; readonly holder: string; readonly transitions: number }
  | {
      readonly tag: 'Update'
      readonly version: string
      readonly holder: string
      readonly transitions: number
    }
  | { readonly tag: 'Wait'; readonly ms: number }

export interface ElectionSituation {
  readonly self: string
  /** The Lease as read just now; undefined where there is none. */
  readonly lease: LeaseRecord | undefined
  readonly memory: ElectionMemory
  readonly nowMs: number
  /** True once the process has been told to stop. */
  readonly stopping: boolean
}

/** Undefined for limits that are safe, else what is wrong with them, for the person who set them. */
export const electionLimitsFault = (limits: ElectionLimits): string | undefined => {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = limits
  if (
    ![leaseDurationMs, renewDeadlineMs, retryPeriodMs].every((ms) => Number.isFinite(ms) && ms > 0)
  )
    return 'lease duration, renew deadline and retry period must be above zero'
  // A quarter of the lease is the room for clocks of different speed and for calls under way.
  if (renewDeadlineMs > leaseDurationMs * 0.75)
    return 'the renew deadline must be at most three quarters of the lease duration'
  if (retryPeriodMs * 2 > renewDeadlineMs)
    return 'the retry period must be at most half of the renew deadline'
  return undefined
}

/** Whether this process may act as leader now. Ask before every write. */
export const isLeading = (
  memory: ElectionMemory,
  nowMs: number,
  { renewDeadlineMs }: ElectionLimits,
): boolean => memory.renewedMs !== undefined && nowMs - memory.renewedMs < renewDeadlineMs

/** What is remembered after a read. A record that somebody else holds ends our own term. */
export const afterRead = ({ self, lease, memory, nowMs }: ElectionSituation): ElectionMemory => {
  if (lease === undefined) return {}
  const isSame = memory.seen?.version === lease.version
  const seen = isSame ? memory.seen : { version: lease.version, sinceMs: nowMs }
  const isOurs = lease.holder === self && memory.renewedMs !== undefined
  return { ...(seen && { seen }), ...(isOurs && { renewedMs: memory.renewedMs }) }
}

/** What is remembered after a write of ours was accepted; `sentMs` is from before it was sent. */
export const afterWrite = (holder: string, version: string, sentMs: number): ElectionMemory => ({
  seen: { version, sinceMs: sentMs },
  ...(holder !== '' && { renewedMs: sentMs }),
})

const updateOf = (lease: LeaseRecord, holder: string, transitions: number): ElectionStep => ({
  tag: 'Update',
  version: lease.version,
  holder,
  transitions,
})

/**
 * The next step. `memory` is that of `afterRead` for this very lease. A conflict on Create or
 * Update means that somebody moved: read again and ask again. A process started anew under the same
 * name holds no term of its own, so it waits like any other.
 */
export const electionStep = (
  { self, lease, memory, nowMs, stopping }: ElectionSituation,
  { leaseDurationMs, retryPeriodMs }: ElectionLimits,
): ElectionStep => {
  const leads = lease !== undefined && lease.holder === self && memory.renewedMs !== undefined
  if (stopping) return leads ? updateOf(lease, '', lease.transitions) : { tag: 'Wait', ms: 0 }
  if (lease === undefined) return { tag: 'Create', holder: self, transitions: 0 }
  if (leads) {
    const dueMs = (memory.renewedMs ?? nowMs) + retryPeriodMs - nowMs
    return dueMs > 0 ? { tag: 'Wait', ms: dueMs } : updateOf(lease, self, lease.transitions)
  }
  if (lease.holder === '') return updateOf(lease, self, lease.transitions + 1)
  const since = memory.seen?.version === lease.version ? memory.seen.sinceMs : nowMs
  const leftMs = since + leaseDurationMs - nowMs
  if (leftMs > 0) return { tag: 'Wait', ms: Math.min(leftMs, retryPeriodMs) }
  return updateOf(lease, self, lease.transitions + 1)
}
