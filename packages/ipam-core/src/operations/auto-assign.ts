/** Runs decisions/auto-assign.ts, then gives back what the host has outgrown. */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { autoAssignDecision } from '../decisions/auto-assign.ts'
import { ownerOfRequest } from '../decisions/auto-assign-plan.ts'
import { isEmpty } from '../decisions/block-changes.ts'
import { releaseBlockAffinityDecision } from '../decisions/release-block-affinity.ts'
import { emptySnapshot, withAnswers } from '../decisions/snapshot.ts'
import type { IPAMError } from '../errors.ts'
import type { AutoAssignRequest, AutoAssignResult } from '../ipam.ts'
import type { Get } from '../ports/datastore.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

/**
 * Blocks of the host in pools that no longer select it go back if they are empty. The addresses
 * are assigned already: whatever goes wrong here is left to the next request.
 */
const giveBackOutgrown = async (
  deps: Deps,
  request: AutoAssignRequest,
  cidrs: ReadonlyArray<string>,
): Promise<void> => {
  const queries = cidrs.map((cidr): Get<'Block'> => ({ get: { kind: 'Block', cidr } }))
  const blocks = await deps.datastore.read(queries, deps.callOptions)()
  if (isLeft(blocks)) return
  const snapshot = withAnswers(emptySnapshot, queries, blocks.right)
  for (const block of blocks.right) {
    if (block === undefined || !isEmpty(block.value)) continue
    const owner = ownerOfRequest(request)
    const decision = releaseBlockAffinityDecision({
      owner,
      cidr: block.value.cidr,
      mustBeEmpty: true,
    })
    const given = await runDecision(deps, decision, snapshot)()
    const outcome = isLeft(given) ? 'could not be given back' : 'given back'
    const message = `block ${block.value.cidr} of a pool that selects ${owner.host} no longer: ${outcome}`
    deps.observe({ tag: 'Note', operation: 'autoAssign', message })
  }
}

/**
 * Addresses for a host, IPv4 first. Fewer than requested is a success whose messages say why, but
 * at the limit of blocks it is the refusal BlockLimit, with what was assigned in `details.partial`.
 */
export const autoAssign =
  (deps: Deps, request: AutoAssignRequest): TaskEither<IPAMError, AutoAssignResult> =>
  async () => {
    const outcome = await runDecision(deps, autoAssignDecision(request, deps.limits))()
    if (isLeft(outcome)) return outcome
    const { result, outgrown } = outcome.right
    if (outgrown.length > 0) await giveBackOutgrown(deps, request, outgrown)
    return right(result)
  }
