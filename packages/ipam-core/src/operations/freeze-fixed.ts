/** Runs decisions/freeze-fixed.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { freezeFixedDecision } from '../decisions/freeze-fixed.ts'
import type { IPAMError } from '../errors.ts'
import type { FixedHold, FreezeFixedRequest } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const freezeFixed = (
  deps: Deps,
  request: FreezeFixedRequest,
): TaskEither<IPAMError, FixedHold | undefined> => runDecision(deps, freezeFixedDecision(request))
