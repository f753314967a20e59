/** Every bound of the core in one place, unit last (reference 3.1). */
export interface Limits {
  /** Conflicts and transient failures one operation survives before it gives up. */
  readonly retryAttemptsMax: number
  /** First pause after a conflict; doubles up to `retryPauseMsMax`, each time times a random 0.5..1. */
  readonly retryPauseMsMin: number
  readonly retryPauseMsMax: number
  /** Steps (reads and writes) of one operation: a decision that never ends is a bug, not a hang. */
  readonly stepsMax: number
  /** Affine blocks per host and family when neither configuration nor request says otherwise. */
  readonly blocksPerHostMaxDefault: number
  /** How long an empty foreign block must have been claimed before it may be taken over. */
  readonly reclaimAgeMsMin: number
  /** Writes in one commit; etcd refuses more than 128 operations. */
  readonly writesPerCommitMax: number
}

export const defaultLimits: Limits = {
  retryAttemptsMax: 100,
  retryPauseMsMin: 2,
  retryPauseMsMax: 250,
  stepsMax: 100_000,
  blocksPerHostMaxDefault: 20,
  reclaimAgeMsMin: 60_000,
  writesPerCommitMax: 64,
}
