/** Runs decisions/upgrade-host.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { upgradeHostDecision } from '../decisions/upgrade-host.ts'
import type { IPAMError } from '../errors.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const upgradeHost = (deps: Deps, host: string): TaskEither<IPAMError, void> =>
  runDecision(deps, upgradeHostDecision(host))
