/** Runs decisions/release-ips.ts, then looks after blocks that became empty. */
import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { releaseIPsDecision } from '../decisions/release-ips.ts'
import type { IPAMError } from '../errors.ts'
import type { ReleaseOptions, ReleaseResult } from '../ipam.ts'
import { ensureConsistentAffinities } from './consistent-affinity.ts'
import type { Deps } from './deps.ts'
import { runDecision } from './run-decision.ts'

const operation = 'releaseIPs'

const releaseTogether =
  (deps: Deps, options: ReadonlyArray<ReleaseOptions>): TaskEither<IPAMError, ReleaseResult> =>
  async () => {
    const decision = releaseIPsDecision(options, deps.limits.writesPerCommitMax)
    const outcome = await runDecision(deps, decision)()
    if (isLeft(outcome)) return outcome
    const { released, unallocated, toCheck, refusal } = outcome.right
    await ensureConsistentAffinities(deps, toCheck)
    return refusal === undefined
      ? right({ released, unallocated })
      : left({ family: 'refusal', operation, refusal })
  }

/** One after the other, because something stored is damaged and must not keep the rest. */
const releaseSingly = async (deps: Deps, options: ReadonlyArray<ReleaseOptions>) => {
  const released: string[] = []
  const unallocated: string[] = []
  let first: IPAMError | undefined
  for (const one of options) {
    const result = await releaseTogether(deps, [one])()
    if (isLeft(result)) {
      first ??= result.left
      continue
    }
    released.push(...result.right.released)
    unallocated.push(...result.right.unallocated)
  }
  return first === undefined ? right({ released, unallocated }) : left(first)
}

const isMalformed = (error: IPAMError): boolean =>
  error.family === 'datastore' && error.error.tag === 'Malformed'

/** Releases addresses; one block's failure does not stop the others. */
export const releaseIPs =
  (deps: Deps, options: ReadonlyArray<ReleaseOptions>): TaskEither<IPAMError, ReleaseResult> =>
  async () => {
    const result = await releaseTogether(deps, options)()
    const isWorthSplitting = isLeft(result) && isMalformed(result.left) && options.length > 1
    return isWorthSplitting ? releaseSingly(deps, options) : result
  }
