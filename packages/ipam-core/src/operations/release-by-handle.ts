/** Runs decisions/release-by-handle.ts, then looks after blocks that became empty. */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { releaseByHandleDecision } from '../decisions/release-by-handle.ts'
import type { IPAMError } from '../errors.ts'
import type { ReleaseResult } from '../ipam.ts'
import { ensureConsistentAffinities } from './consistent-affinity.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const releaseByHandle =
  (
    deps: Deps,
    handleID: string,
    hints: { readonly blocks?: ReadonlyArray<string> } = {},
  ): TaskEither<IPAMError, ReleaseResult> =>
  async () => {
    const writesMax = deps.limits.writesPerCommitMax
    const request = { handleID, blockHints: hints.blocks ?? [], writesMax }
    const outcome = await runDecision(deps, releaseByHandleDecision(request))()
    if (isLeft(outcome)) return outcome
    const { released, unallocated, toCheck } = outcome.right
    await ensureConsistentAffinities(deps, toCheck)
    return right({ released, unallocated })
  }
