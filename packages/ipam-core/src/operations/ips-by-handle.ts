/** Runs decisions/ips-by-handle.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { ipsByHandleDecision } from '../decisions/ips-by-handle.ts'
import type { IPAMError } from '../errors.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const ipsByHandle = (
  deps: Deps,
  handleID: string,
): TaskEither<IPAMError, ReadonlyArray<string>> => runDecision(deps, ipsByHandleDecision(handleID))
