/**
 * Whether a parked fixed address is kept. A set is known by its name, never by its uid: a set made
 * anew under the same name inherits what is kept. Whatever is not known for certain (no full list
 * of the sets yet, an unreadable policy) keeps the address: a kept address costs one address, a
 * released one can cost somebody their data.
 */
import { type SetSize, wantsOrdinal } from './fixed-set.ts'

export type RetentionPolicy =
  | { readonly tag: 'WhileSetExists' }
  | { readonly tag: 'ReleaseOnScaleDown' }
  | { readonly tag: 'KeepAfterSet'; readonly ms: number }
  | { readonly tag: 'Forever' }

/** The set as the API server has it now. */
export interface KnownSet extends SetSize {
  readonly policy: RetentionPolicy
}

export interface RetentionLimits {
  /** How long this process must have seen an absence before it is believed at all. */
  readonly graceMs: number
  /** How long addresses of a set are kept that is gone and whose policy nobody has ever seen. */
  readonly unknownPolicyMs: number
}

export const defaultRetentionLimits: RetentionLimits = {
  graceMs: 60_000,
  unknownPolicyMs: 3_600_000,
}

export interface RetentionSituation {
  readonly ordinal: number
  /** True while a pod of this identity exists, or the allocation has a holder. */
  readonly inUse: boolean
  /** Undefined where there is no such set. */
  readonly set: KnownSet | undefined
  /** Policy recorded while the set still existed; undefined: nobody has ever seen it. */
  readonly recordedPolicy: RetentionPolicy | undefined
  /** How long the set has been gone by the record, which outlives this process. */
  readonly setGoneForMs: number
  /** When this process first saw the set, or the ordinal, to be absent, and has ever since. */
  readonly absentSinceMs: number | undefined
  readonly nowMs: number
}

export type RetentionVerdict =
  | { readonly tag: 'Keep' }
  /** Absent: remember `sinceMs`, ask again at `untilMs`. */
  | { readonly tag: 'Watch'; readonly sinceMs: number; readonly untilMs: number }
  | { readonly tag: 'Release' }

const keep: RetentionVerdict = { tag: 'Keep' }

/** `leftMs`: what the policy still grants. */
const absent = (
  { absentSinceMs, nowMs }: RetentionSituation,
  leftMs: number,
  { graceMs }: RetentionLimits,
): RetentionVerdict => {
  const sinceMs = absentSinceMs ?? nowMs
  const untilMs = Math.max(sinceMs + graceMs, nowMs + leftMs)
  // A first sight never releases, however short the time: two observations, always.
  const isDue = sinceMs < nowMs && nowMs >= untilMs
  return isDue ? { tag: 'Release' } : { tag: 'Watch', sinceMs, untilMs }
}

/** How long addresses are kept once their set is gone. */
const keptMs = (policy: RetentionPolicy | undefined, limits: RetentionLimits): number => {
  if (policy === undefined) return limits.unknownPolicyMs
  return policy.tag === 'KeepAfterSet' ? policy.ms : 0
}

/** The verdict on one identity. `Keep` forgets any absence: that is how re-creation undoes it. */
export const retentionVerdict = (
  situation: RetentionSituation,
  limits: RetentionLimits = defaultRetentionLimits,
): RetentionVerdict => {
  const { inUse, set, recordedPolicy, ordinal, setGoneForMs } = situation
  if (inUse) return keep
  if (set !== undefined) {
    const isKept = set.policy.tag !== 'ReleaseOnScaleDown' || wantsOrdinal(set, ordinal)
    return isKept ? keep : absent(situation, 0, limits)
  }
  if (recordedPolicy?.tag === 'Forever') return keep
  const leftMs = Math.max(0, keptMs(recordedPolicy, limits) - setGoneForMs)
  return absent(situation, leftMs, limits)
}
