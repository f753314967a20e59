/**
 * Performs a decision: read what it asks for, commit what it writes, ask again. The only loop in
 * the core that retries, bounded twice: `retryAttemptsMax` failures, `stepsMax` steps.
 *
 * The first conflict costs no extra read where the datastore reports the current values: they go
 * into the snapshot and the decision is asked again. After `OutcomeUnknown` every object the commit
 * touched is read again first, and the decision recognises its own work in it. After a pause they
 * are read again too: on a busy block what was current before it is stale after it, and a writer
 * that does not pause, as upstream's, would win every time.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { type Decision, readAgain, type Step } from '../decisions/decision.ts'
import {
  emptySnapshot,
  notYetRead,
  type Snapshot,
  withAnswers,
  withCurrent,
} from '../decisions/snapshot.ts'
import type { IPAMError, Refusal } from '../errors.ts'
import type { CommitFailure, KeyValue, Query, Revision, Write } from '../ports/datastore.ts'
import type { DatastoreError } from '../ports/datastore-errors.ts'
import type { Deps } from './deps.ts'
import { pauseBeforeRetry, pausesBefore } from './retry-pause.ts'

type WriteStep<P, A> = Extract<Step<P, A>, { tag: 'Write' }>

/** Where a run stands between two steps. */
interface Run<P> {
  readonly snapshot: Snapshot
  readonly progress: P
  readonly failures: number
  /** What must be read before the decision is asked again: the snapshot may be wrong about it. */
  readonly doubtful: ReadonlyArray<Query>
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
const afterFailure = <P, A>(
  run: Run<P>,
  step: WriteStep<P, A>,
  { error, applied, current }: CommitFailure,
): Either<DatastoreError, Run<P>> => {
  if (!error.retryable) return left(error)
  const isUnknown = error.tag === 'OutcomeUnknown'
  const conflicted = step.ifConflict ?? run.progress
  const partly = applied.length > 0 && step.ifPartial ? step.ifPartial(applied.length) : conflicted
  return right({
    snapshot: withCurrent(applyWrites(run.snapshot, step.writes, applied), current),
    progress: isUnknown ? (step.ifUnknown ?? partly) : partly,
    failures: run.failures + 1,
    doubtful:
      isUnknown || current.length === 0 || pausesBefore(run.failures + 1, error)
        ? step.writes.map((write): Query => ({ get: write.key }) as Query)
        : [],
  })
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
    let run: Run<P> = { snapshot, progress: decision.start, failures: 0, doubtful: [] }
    for (let steps = 0; steps < stepsMax; steps += 1) {
      if (deps.callOptions.cancellation?.aborted) return left(cancelled(operation))
      const step = nextStep(deps, decision, run)
      if (isLeft(step)) return left({ family: 'refusal', operation, refusal: step.left })
      if (step.right.tag === 'Done') return right(step.right.result)
      const next = await perform(deps, operation, run, step.right)
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

/** What to do next: clear up doubts first, then ask the decision. */
const nextStep = <P, A>(
  deps: Deps,
  decision: Decision<P, A>,
  { snapshot, progress, doubtful }: Run<P>,
): Either<Refusal, Step<P, A>> => {
  if (doubtful.length > 0) return right(readAgain(doubtful, progress))
  const { capabilities } = deps.datastore
  return decision.decide({ snapshot, now: deps.clock.now(), capabilities }, progress)
}

/** One step: the run after it, with the failure that made it necessary to try again, if any. */
const perform = async <P, A>(
  deps: Deps,
  operation: string,
  run: Run<P>,
  step: Exclude<Step<P, A>, { tag: 'Done' }>,
): Promise<Either<DatastoreError, Run<P> & { readonly failure?: DatastoreError }>> => {
  const { failures } = run
  if (step.tag === 'ReadMore') {
    const queries = step.again ? step.queries : notYetRead(run.snapshot, step.queries)
    const grown = await read(deps, operation, run.snapshot, queries)
    if (!isLeft(grown)) {
      return right({ snapshot: grown.right, progress: step.progress, failures, doubtful: [] })
    }
    const failure = grown.left
    return failure.retryable ? right({ ...run, failures: failures + 1, failure }) : grown
  }
  const result = await deps.datastore.commit(step.writes, deps.callOptions)()
  if (isLeft(result)) {
    const again = afterFailure(run, step, result.left)
    return isLeft(again) ? again : right({ ...again.right, failure: result.left.error })
  }
  deps.observe({ tag: 'Committed', operation, writes: step.writes.length })
  const snapshot = applyWrites(run.snapshot, step.writes, result.right.revisions)
  return right({ snapshot, progress: step.progress, failures, doubtful: [] })
}
