/**
 * Runs decisions/repin-fixed.ts, then takes the new address and gives the old one back. Whoever has
 * been replaced meanwhile gives back what it took, if nobody has taken that over too.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { assignIPDecision } from '../decisions/assign-ip.ts'
import { replaced } from '../decisions/fixed-holder.ts'
import { type RepinPlan, repinFixedDecision } from '../decisions/repin-fixed.ts'
import type { IPAMError } from '../errors.ts'
import type { AssignIPRequest, RepinFixedRequest } from '../ipam.ts'
import { fixedAttrs } from '../model/fixed-allocation.ts'
import type { Deps } from './deps.ts'
import { releaseFixed } from './release-fixed.ts'
import { runDecision } from './run-decision.ts'

const operation = 'repinFixed'

const assignmentOf = (
  { handleID, host }: RepinFixedRequest,
  { ip, take }: RepinPlan,
): AssignIPRequest | undefined =>
  take && { ip, handleID, attrs: fixedAttrs(take), host, intendedUse: 'Workload' }

/** What the asker took, if it is still the asker's; the answer is the refusal that led here. */
const undo = async (
  deps: Deps,
  { handleID, epoch, holderID }: RepinFixedRequest,
  ip: string,
): Promise<Either<IPAMError, never>> => {
  const seen = { handleID, epoch, ...(holderID === undefined ? {} : { holderID }) }
  const undone = await releaseFixed(deps, { ...seen, ips: [ip] })()
  if (isLeft(undone)) return undone
  return left({ family: 'refusal', operation, refusal: replaced(handleID) })
}

/** Resolves to the addresses that were given back. */
export const repinFixed =
  (deps: Deps, request: RepinFixedRequest): TaskEither<IPAMError, ReadonlyArray<string>> =>
  async () => {
    const plan = await runDecision(deps, repinFixedDecision(request))()
    if (isLeft(plan)) return plan
    const { ip, old } = plan.right
    const assignment = assignmentOf(request, plan.right)
    if (assignment !== undefined) {
      const taken = await runDecision(deps, assignIPDecision(assignment))()
      if (isLeft(taken)) return taken
    }
    if (old.length === 0) return right([])
    const { handleID, epoch, holderID } = request
    const seen = { handleID, epoch, ...(holderID === undefined ? {} : { holderID }) }
    const released = await releaseFixed(deps, { ...seen, ips: old })()
    if (isLeft(released) || released.right.length > 0) return released
    const again = await runDecision(deps, repinFixedDecision(request))()
    const isReplaced = isLeft(again) && again.left.family === 'refusal'
    return isReplaced ? undo(deps, request, ip) : right([])
  }
