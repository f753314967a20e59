/** Runs decisions/utilization.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { utilizationDecision } from '../decisions/utilization.ts'
import type { IPAMError } from '../errors.ts'
import type { PoolUtilization } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const getUtilization = (
  deps: Deps,
  pools: ReadonlyArray<string> = [],
): TaskEither<IPAMError, ReadonlyArray<PoolUtilization>> =>
  runDecision(deps, utilizationDecision(pools))
