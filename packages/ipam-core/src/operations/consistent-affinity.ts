/**
 * Runs the checks that a release calls for. The addresses are released already: whatever goes wrong
 * here is noted, and left to the host's next request.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import {
  type AffinityCheck,
  ensureConsistentAffinityDecision,
} from '../decisions/consistent-affinity.ts'
import type { IPAMError } from '../errors.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

const messageOf = (error: IPAMError): string =>
  error.family === 'refusal' ? error.refusal.message : error.error.message

export const ensureConsistentAffinities = async (
  deps: Deps,
  checks: ReadonlyArray<AffinityCheck>,
): Promise<void> => {
  for (const check of checks) {
    const result = await runDecision(deps, ensureConsistentAffinityDecision(check))()
    if (!isLeft(result) && result.right !== 'Released') continue
    const ending = isLeft(result)
      ? `was not given back: ${messageOf(result.left)}`
      : 'was given back'
    const message = `empty block ${check.cidr} of node ${check.host}, which pool ${check.pool.name} no longer selects, ${ending}`
    deps.observe({ tag: 'Note', operation: 'ensureConsistentAffinity', message })
  }
}
