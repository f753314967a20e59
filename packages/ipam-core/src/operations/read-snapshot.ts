/** Reads what several decisions are going to start from, with the usual retries. */
import { right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { done, readMore } from '../decisions/decision.ts'
import { notYetRead, type Snapshot } from '../decisions/snapshot.ts'
import type { IPAMError } from '../errors.ts'
import type { Query } from '../ports/datastore.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const readSnapshot = (
  deps: Deps,
  operation: string,
  queries: ReadonlyArray<Query>,
): TaskEither<IPAMError, Snapshot> =>
  runDecision(deps, {
    operation,
    start: undefined,
    decide: ({ snapshot }) =>
      notYetRead(snapshot, queries).length > 0
        ? right(readMore(queries, undefined))
        : right(done(snapshot)),
  })
