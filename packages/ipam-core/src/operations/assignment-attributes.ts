/** Runs decisions/assignment-attributes.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { assignmentAttributesDecision } from '../decisions/assignment-attributes.ts'
import type { IPAMError } from '../errors.ts'
import type { AssignmentAttributes } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const getAssignmentAttributes = (
  deps: Deps,
  ip: string,
): TaskEither<IPAMError, AssignmentAttributes> =>
  runDecision(deps, assignmentAttributesDecision(ip))
