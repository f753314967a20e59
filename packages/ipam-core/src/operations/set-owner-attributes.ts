/** Runs decisions/set-owner-attributes.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { setOwnerAttributesDecision } from '../decisions/set-owner-attributes.ts'
import type { IPAMError } from '../errors.ts'
import type { SetOwnerAttributesRequest } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const setOwnerAttributes = (
  deps: Deps,
  request: SetOwnerAttributesRequest,
): TaskEither<IPAMError, void> => runDecision(deps, setOwnerAttributesDecision(request))
