/** Runs decisions/assign-ip.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { assignIPDecision } from '../decisions/assign-ip.ts'
import type { IPAMError } from '../errors.ts'
import type { AssignIPRequest } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

/** Takes one particular address. Refuses with AddressInUse when it is taken or cooling down. */
export const assignIP = (deps: Deps, request: AssignIPRequest): TaskEither<IPAMError, void> =>
  runDecision(deps, assignIPDecision(request))
