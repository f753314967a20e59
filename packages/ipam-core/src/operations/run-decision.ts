/**
 * Performs a decision: read what it asks for, commit what it writes, ask again. The only loop in
 * the core that retries, bounded twice: `retryAttemptsMax` failures, `stepsMax` steps.
 *
 * A conflict costs no extra read where the datastore reports the current values: they go into the
 * snapshot and the decision is asked again. After `OutcomeUnknown` every object the commit touched
 * is read again first, and the decision recognises its own work in it.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Decision, Step } from '../decisions/decision.ts'
import {
  emptySnapshot,
  notYetRead,
  type Snapshot,
  withAnswers,
  withCurrent,
} from '../decisions/snapshot.ts'
import type { IPAMError } from '../errors.ts'
import type { CommitFailure, KeyValue, Query, Revision, Write } from '../ports/datastore.ts'
import type { DatastoreError } from '../ports/datastore-errors.ts'
import type { Deps } from './deps.ts'
import { pauseBeforeRetry } from './retry-pause.ts'

type WriteStep<P, A> = Extract<Step<P, A>, { tag: 'Write' }>

/** Where a run stands between two steps. */
interface Run<P> {
  readonly snapshot: Snapshot
  readonly progress: P
  readonly failures: number
}

const written = (write: Write, revision: Revision | undefined) => ({
  key: write.key,
  found:
    write.op === 'delete'
      ? undefined
      : ({ key: write.key, value: write.value, revision } as KeyValue),
})

const applyWrites = (
  snapshot: Snapshot,
  writes: ReadonlyArray<Write>,
  revisions: ReadonlyArray<Revision | undefined>,
): Snapshot =>
  withCurrent(
    snapshot,
    revisions.map((revision, i) => written(writes[i] as Write, revision)),
  )

const read = async (
  deps: Deps,
  operation: string,
  snapshot: Snapshot,
  queries: ReadonlyArray<Query>,
): Promise<Either<DatastoreError, Snapshot>> => {
  if (queries.length === 0) return right(snapshot)
  deps.observe({ tag: 'Read', operation, queries: queries.length })
  const answers = await deps.datastore.read(queries, deps.callOptions)()
  return isLeft(answers) ? answers : right(withAnswers(snapshot, queries, answers.right))
}

/** The run after a failed commit, or the error that ends it. */
const afterFailure = async <P, A>(
  deps: Deps,
  operation: string,
  run: Run<P>,
  step: WriteStep<P, A>,
  failure: CommitFailure,
): Promise<Either<DatastoreError, Run<P>>> => {
  const { error, applied, current } = failure
  if (!error.retryable) return left(error)
  const conflicted = step.ifConflict ?? run.progress
  const failures = run.failures + 1
  const known = withCurrent(applyWrites(run.snapshot, step.writes, applied), current)
  const partly = applied.length > 0 && step.ifPartial ? step.ifPartial(applied.length) : conflicted
  if (error.tag !== 'OutcomeUnknown' && current.length > 0) {
    return right({ snapshot: known, progress: partly, failures })
  }
  const touched = step.writes.map((write): Query => ({ get: write.key }) as Query)
  const again = await read(deps, operation, known, touched)
  if (isLeft(again)) return again.left.retryable ? right({ ...run, failures }) : again
  const progress = error.tag === 'OutcomeUnknown' ? (step.ifUnknown ?? partly) : partly
  return right({ snapshot: again.right, progress, failures })
}

const fail = (operation: string, error: DatastoreError): IPAMError => ({
  family: 'datastore',
  operation,
  error,
})

const exhausted = (operation: string, attempts: number, last: DatastoreError): IPAMError => ({
  family: 'exhausted',
  operation,
  error: {
    tag: 'RetriesExhausted',
    message: `Max retries hit - excessive concurrent IPAM requests: gave up ${operation} after ${attempts} attempts; last: ${last.message}`,
    attempts,
    last,
  },
})

const cancelled = (operation: string): IPAMError => ({
  family: 'cancelled',
  operation,
  error: { tag: 'Cancelled', message: `${operation} was cancelled before it was complete` },
})

/** Runs a decision to its end. `snapshot` may already hold what the caller has read. */
export const runDecision =
  <P, A>(
    deps: Deps,
    decision: Decision<P, A>,
    snapshot: Snapshot = emptySnapshot,
  ): TaskEither<IPAMError, A> =>
  async () => {
    const { operation } = decision
    const { retryAttemptsMax, stepsMax } = deps.limits
    let run: Run<P> = { snapshot, progress: decision.start, failures: 0 }
    for (let steps = 0; steps < stepsMax; steps += 1) {
      if (deps.callOptions.cancellation?.aborted) return left(cancelled(operation))
      const situation = {
        snapshot: run.snapshot,
        now: deps.clock.now(),
        capabilities: deps.datastore.capabilities,
      }
      const decided = decision.decide(situation, run.progress)
      if (isLeft(decided)) return left({ family: 'refusal', operation, refusal: decided.left })
      const step = decided.right
      if (step.tag === 'Done') return right(step.result)
      const next = await perform(deps, operation, run, step)
      if (isLeft(next)) return left(fail(operation, next.left))
      const { failure, ...after } = next.right
      run = after
      if (failure === undefined) continue
      if (run.failures >= retryAttemptsMax) {
        return left(exhausted(operation, run.failures, failure))
      }
      deps.observe({ tag: 'Retry', operation, attempt: run.failures, reason: failure.message })
      await pauseBeforeRetry(deps, run.failures, failure)
    }
    throw new Error(`bug: ${operation} did not end within ${stepsMax} steps`)
  }

/** One step: the run after it, with the failure that made it necessary to try again, if any. */
const perform = async <P, A>(
  deps: Deps,
  operation: string,
  run: Run<P>,
  step: Exclude<Step<P, A>, { tag: 'Done' }>,
): Promise<Either<DatastoreError, Run<P> & { readonly failure?: DatastoreError }>> => {
  if (step.tag === 'ReadMore') {
    const queries = step.again ? step.queries : notYetRead(run.snapshot, step.queries)
    const grown = await read(deps, operation, run.snapshot, queries)
    if (isLeft(grown)) {
      return grown.left.retryable
        ? right({ ...run, failures: run.failures + 1, failure: grown.left })
        : grown
    }
    return right({ snapshot: grown.right, progress: step.progress, failures: run.failures })
  }
  const result = await deps.datastore.commit(step.writes, deps.callOptions)()
  if (isLeft(result)) {
    const again = await afterFailure(deps, operation, run, step, result.left)
    return isLeft(again) ? again : right({ ...again.right, failure: result.left.error })
  }
  deps.observe({ tag: 'Committed', operation, writes: step.writes.length })
  const snapshot = applyWrites(run.snapshot, step.writes, result.right.revisions)
  return right({ snapshot, progress: step.progress, failures: run.failures })
}
