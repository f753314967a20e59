/** Runs decisions/recount-handle.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { recountHandleDecision } from '../decisions/recount-handle.ts'
import type { IPAMError } from '../errors.ts'
import type { RecountHandleRequest } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const recountHandle = (
  deps: Deps,
  request: RecountHandleRequest,
): TaskEither<IPAMError, boolean> => runDecision(deps, recountHandleDecision(request))
