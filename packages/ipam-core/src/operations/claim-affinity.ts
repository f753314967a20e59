/** Runs decisions/claim-affinity.ts. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { claimAffinityDecision } from '../decisions/claim-affinity.ts'
import type { IPAMError } from '../errors.ts'
import type { AffinityOwner, ClaimAffinityResult } from '../ipam.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

/** Claims every block of the CIDR (host bits are ignored) that nobody else owns. */
export const claimAffinity = (
  deps: Deps,
  cidr: string,
  owner: AffinityOwner,
): TaskEither<IPAMError, ClaimAffinityResult> =>
  runDecision(deps, claimAffinityDecision(cidr, owner))
