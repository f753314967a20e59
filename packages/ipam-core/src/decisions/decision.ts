/**
 * The shape of every decision: pure, total, synchronous. From what was read, it says what to do
 * next: read more, write, or stop with a result. The driver (operations/run-decision.ts) performs
 * it and asks again, until `done` or a refusal.
 *
 * Write order is part of a decision, because not every datastore is atomic: a crash after any
 * prefix of the writes must leave a state that a later decision repairs. The rules are
 * - allocate: handle first, then block (a handle that counts too much is repaired on release;
 *   an allocation its handle does not know would be invisible to release by handle);
 * - release: block first, then handle;
 * - claim: affinity `pending`, then block, then affinity `confirmed`;
 * - give back: affinity `pendingDeletion`, then block, then the affinity goes.
 */
import type { Either } from 'fp-ts/lib/Either.js'
import type { Refusal } from '../errors.ts'
import type { Instant } from '../ports/clock.ts'
import type { Capabilities, Query, Write } from '../ports/datastore.ts'
import type { Snapshot } from './snapshot.ts'

/** What a decision may look at. `atomicCommit` decides whether `pending` needs a write of its own. */
export interface Situation {
  readonly snapshot: Snapshot
  readonly now: Instant
  readonly capabilities: Capabilities
}

/**
 * One step. `progress` is the decision's own memory between steps, immutable; it is adopted when
 * the step succeeds. When a write fails on a condition the driver puts the current values into the
 * snapshot and asks again with `ifConflict` (default: the progress before the step). When the
 * outcome is unknown the touched objects are read again and the decision is asked with
 * `ifUnknown` (default as `ifConflict`), so that it can recognise its own work.
 */
export type Step<P, A> =
  | {
      readonly tag: 'ReadMore'
      readonly queries: ReadonlyArray<Query>
      readonly progress: P
      /** Read also what the snapshot holds: others are known to have written since. */
      readonly again?: true
    }
  | {
      readonly tag: 'Write'
      readonly writes: ReadonlyArray<Write>
      readonly progress: P
      readonly ifConflict?: P
      readonly ifUnknown?: P
      /**
       * For a commit stopped half-way on a datastore that is not atomic: the progress to go on
       * with, given how many leading writes were applied. Their values are in the snapshot already.
       */
      readonly ifPartial?: (applied: number) => P
    }
  | { readonly tag: 'Done'; readonly result: A }

/** A decision procedure: where it starts, and how it goes on. */
export interface Decision<P, A> {
  /** Names the operation in errors, logs and metrics, e.g. `autoAssign`. */
  readonly operation: string
  readonly start: P
  readonly decide: (situation: Situation, progress: P) => Either<Refusal, Step<P, A>>
}

type ReadStep<P> = Extract<Step<P, never>, { readonly tag: 'ReadMore' }>

export const readMore = <P>(queries: ReadonlyArray<Query>, progress: P): ReadStep<P> => ({
  tag: 'ReadMore',
  queries,
  progress,
})

/** Reads also what has been read before. */
export const readAgain = <P>(queries: ReadonlyArray<Query>, progress: P): ReadStep<P> => ({
  tag: 'ReadMore',
  queries,
  progress,
  again: true,
})

export const done = <A>(result: A): Step<never, A> => ({ tag: 'Done', result })
