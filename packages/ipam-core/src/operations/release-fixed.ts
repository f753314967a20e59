/** Runs decisions/release-fixed.ts, then looks after blocks that became empty. */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { releaseFixedDecision } from '../decisions/release-fixed.ts'
import type { IPAMError } from '../errors.ts'
import type { ReleaseFixedRequest } from '../ipam.ts'
import { ensureConsistentAffinities } from './consistent-affinity.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const releaseFixed =
  (deps: Deps, request: ReleaseFixedRequest): TaskEither<IPAMError, ReadonlyArray<string>> =>
  async () => {
    const writesMax = deps.limits.writesPerCommitMax
    const outcome = await runDecision(deps, releaseFixedDecision({ ...request, writesMax }))()
    if (isLeft(outcome)) return outcome
    await ensureConsistentAffinities(deps, outcome.right.toCheck)
    return right(outcome.right.released)
  }
