/** Runs decisions/ipam-config.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { getIPAMConfigDecision, setIPAMConfigDecision } from '../decisions/ipam-config.ts'
import type { IPAMError } from '../errors.ts'
import type { IPAMConfig } from '../model/ipam-config.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

export const getIPAMConfig = (deps: Deps): TaskEither<IPAMError, IPAMConfig> =>
  runDecision(deps, getIPAMConfigDecision)

export const setIPAMConfig = (deps: Deps, config: IPAMConfig): TaskEither<IPAMError, void> =>
  runDecision(deps, setIPAMConfigDecision(config))
