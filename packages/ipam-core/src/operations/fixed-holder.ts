/** Runs decisions/fixed-holder.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { parkFixedDecision, takeOverFixedDecision } from '../decisions/fixed-holder.ts'
import type { IPAMError } from '../errors.ts'
import type { FixedHold, ParkFixedRequest, TakeOverFixedRequest } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const takeOverFixed = (
  deps: Deps,
  request: TakeOverFixedRequest,
): TaskEither<IPAMError, FixedHold | undefined> => runDecision(deps, takeOverFixedDecision(request))

export const parkFixed = (
  deps: Deps,
  request: ParkFixedRequest,
): TaskEither<IPAMError, ReadonlyArray<string>> => runDecision(deps, parkFixedDecision(request))
