/** Runs decisions/auto-assign.ts, then gives back blocks that the host has outgrown. */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { autoAssignDecision } from '../decisions/auto-assign.ts'
import type { IPAMError } from '../errors.ts'
import type { AutoAssignRequest, AutoAssignResult } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

/** Addresses for a host, IPv4 first. Refuses with BlockLimit and `details.partial` when short for it. */
export const autoAssign =
  (deps: Deps, request: AutoAssignRequest): TaskEither<IPAMError, AutoAssignResult> =>
  async () => {
    const outcome = await runDecision(deps, autoAssignDecision(request, deps.limits))()
    if (isLeft(outcome)) return outcome
    return right(outcome.right.result)
  }
