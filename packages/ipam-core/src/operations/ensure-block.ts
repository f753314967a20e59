/** Runs decisions/auto-assign.ts for a block instead of addresses, as `ensureBlock` wants it. */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { ensureBlockDecision } from '../decisions/ensure-block.ts'
import type { IPAMError } from '../errors.ts'
import type { EnsureBlockRequest, EnsureBlockResult } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

/** One block of the host's own per family whose reserved addresses are given, claimed if need be. */
export const ensureBlock =
  (deps: Deps, request: EnsureBlockRequest): TaskEither<IPAMError, EnsureBlockResult> =>
  async () => {
    const outcome = await runDecision(deps, ensureBlockDecision(request, deps.limits))()
    return isLeft(outcome) ? outcome : right(outcome.right.ensured)
  }
