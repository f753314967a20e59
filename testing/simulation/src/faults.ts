/** What goes wrong with a request to the datastore, how often, and what its place is called. */
import type { SeededRandom } from './seeded-random.ts'
import type { Mode } from './store/simulated-store.ts'

/** How often things go wrong. All zero: a quiet world. */
export interface Faults {
  /** The call is refused and nothing happened. */
  readonly unavailable: number
  /** A write that would have been applied is answered with a conflict. */
  readonly conflict: number
  readonly requestLost: number
  readonly replyLost: number
  /** The write's outcome is unknown to its caller, and it is applied up to a minute later. */
  readonly appliedLate: number
  /** The calling process dies before the request, or after it. */
  readonly crash: number
  /** The calling process stands still for minutes, then goes on with what it knew. */
  readonly pause: number
}

export const noFaults: Faults = {
  unavailable: 0,
  conflict: 0,
  requestLost: 0,
  replyLost: 0,
  appliedLate: 0,
  crash: 0,
  pause: 0,
}

export const manyFaults: Faults = {
  unavailable: 0.01,
  conflict: 0.02,
  requestLost: 0.01,
  replyLost: 0.02,
  appliedLate: 0.01,
  crash: 0.02,
  pause: 0.01,
}

/** A file on the same machine: no way on which anything is lost, and no server that answers late. */
const localFaults: Faults = {
  ...noFaults,
  unavailable: 0.02,
  crash: 0.03,
  pause: 0.02,
}

export const faultsFor = (mode: Mode): Faults => (mode === 'local' ? localFaults : manyFaults)

export interface Mishap {
  readonly tag:
    | 'unavailable'
    | 'conflict'
    | 'requestLost'
    | 'replyLost'
    | 'appliedLate'
    | 'crashBefore'
    | 'crashAfter'
    | 'pauseBefore'
    | 'pauseAfter'
}

const ofReads = ['unavailable'] as const
const ofWrites = ['unavailable', 'conflict', 'requestLost', 'replyLost', 'appliedLate'] as const

/** At most one thing goes wrong with one request. */
export const mishapOf = (
  random: SeededRandom,
  faults: Faults,
  isWrite: boolean,
): Mishap['tag'] | undefined => {
  let drawn = random.next()
  for (const tag of isWrite ? ofWrites : ofReads) {
    drawn -= faults[tag]
    if (drawn < 0) return tag
  }
  for (const tag of ['crash', 'pause'] as const) {
    drawn -= faults[tag]
    if (drawn < 0) return `${tag}${drawn + faults[tag] < faults[tag] / 2 ? 'Before' : 'After'}`
  }
  return undefined
}
