/** How often things go wrong, per datastore call, and for how long. All zero: a quiet world. */
export interface Faults {
  /** The call is refused and nothing happened. */
  readonly unavailable: number
  /** A write that would have been applied is answered with a conflict. */
  readonly conflict: number
  readonly requestLost: number
  readonly replyLost: number
  /** The write's outcome is unknown to its caller, and it is applied up to a minute later. */
  readonly appliedLate: number
  /** The calling process dies before, between or after its writes. */
  readonly crash: number
  /** The calling process stands still for minutes, then goes on with what it knew. */
  readonly pause: number
  /** Per second of virtual time and node: it is cut off from the datastore. */
  readonly partition: number
  /** By how many of the latest changes a list may be behind; counts where lists come from a cache. */
  readonly listLag: number
}

export const noFaults: Faults = {
  unavailable: 0,
  conflict: 0,
  requestLost: 0,
  replyLost: 0,
  appliedLate: 0,
  crash: 0,
  pause: 0,
  partition: 0,
  listLag: 0,
}

export const manyFaults: Faults = {
  unavailable: 0.01,
  conflict: 0.02,
  requestLost: 0.01,
  replyLost: 0.02,
  appliedLate: 0.01,
  crash: 0.02,
  pause: 0.01,
  partition: 0.002,
  listLag: 7,
}
