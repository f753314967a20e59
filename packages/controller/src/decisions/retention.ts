/**
 * Whether a parked fixed address is kept. A set is known by its name, never by its uid: a set made
 * anew under the same name inherits what is kept. Whatever is not known for certain (no full list
 * of the sets yet, an unreadable policy) keeps the address: a kept address costs one address, a
 * released one can cost somebody their data.
 */

export type RetentionPolicy =
  | { readonly tag: 'WhileSetExists' }
  | { readonly tag: 'ReleaseOnScaleDown' }
  | { readonly tag: 'KeepAfterSet'; readonly ms: number }
  | { readonly tag: 'Forever' }

/** The set as the API server has it now. */
export interface KnownSet {
  readonly policy: RetentionPolicy
  readonly replicas: number
  /** First ordinal (`spec.ordinals.start`). */
  readonly firstOrdinal: number
}

export interface RetentionSituation {
  readonly ordinal: number
  /** True while a pod of this identity exists, or the allocation has a holder. */
  readonly inUse: boolean
  /** Undefined where there is no such set. */
  readonly set: KnownSet | undefined
  /** Policy recorded while the set still existed. */
  readonly recordedPolicy: RetentionPolicy
  /** When the set, or the ordinal, was first seen to be absent and has been ever since. */
  readonly absentSinceMs: number | undefined
  readonly nowMs: number
  /** How long an absence must last before it is believed at all. */
  readonly graceMs: number
}

export type RetentionVerdict =
  | { readonly tag: 'Keep' }
  /** Absent: remember `sinceMs`, ask again at `untilMs`. */
  | { readonly tag: 'Watch'; readonly sinceMs: number; readonly untilMs: number }
  | { readonly tag: 'Release' }

const keep: RetentionVerdict = { tag: 'Keep' }

const absentFor = (situation: RetentionSituation, keptMs: number): RetentionVerdict => {
  const { absentSinceMs, nowMs, graceMs } = situation
  const sinceMs = absentSinceMs ?? nowMs
  const untilMs = sinceMs + Math.max(keptMs, graceMs)
  // A first sight never releases, however short the time: two observations, always.
  const isDue = absentSinceMs !== undefined && nowMs >= untilMs
  return isDue ? { tag: 'Release' } : { tag: 'Watch', sinceMs, untilMs }
}

/** The verdict on one identity. `Keep` forgets any absence: that is how re-creation undoes it. */
export const retentionVerdict = (situation: RetentionSituation): RetentionVerdict => {
  const { inUse, set, recordedPolicy, ordinal } = situation
  if (inUse) return keep
  if (set !== undefined) {
    const { firstOrdinal, replicas, policy } = set
    const isWanted = ordinal >= firstOrdinal && ordinal < firstOrdinal + replicas
    if (isWanted || policy.tag !== 'ReleaseOnScaleDown') return keep
    return absentFor(situation, 0)
  }
  if (recordedPolicy.tag === 'Forever') return keep
  return absentFor(situation, recordedPolicy.tag === 'KeepAfterSet' ? recordedPolicy.ms : 0)
}
