import type { DatastoreError } from '../ports/datastore-errors.ts'
import type { Deps } from './deps.ts'

/**
 * Whether a retry waits first. The first conflict retries at once: most races are between two
 * writers, and one of them is done by then.
 */
export const pausesBefore = (failures: number, failure: DatastoreError): boolean => {
  const isConflict = failure.tag !== 'Unavailable' && failure.tag !== 'OutcomeUnknown'
  return failure.retryAfterMs !== undefined || !isConflict || failures > 1
}

/**
 * Pauses before a retry: exponential from `retryPauseMsMin` to `retryPauseMsMax`, each pause
 * multiplied by a random 0.5..1 so that the losers of one race do not meet again. A pause the
 * backend asked for (Retry-After) is kept.
 */
export const pauseBeforeRetry = async (
  deps: Deps,
  failures: number,
  failure: DatastoreError,
): Promise<void> => {
  const { retryPauseMsMin, retryPauseMsMax } = deps.limits
  if (!pausesBefore(failures, failure)) return
  if (failure.retryAfterMs !== undefined) return deps.clock.sleep(failure.retryAfterMs)
  const exponential = Math.min(retryPauseMsMax, retryPauseMsMin * 2 ** Math.min(failures, 20))
  await deps.clock.sleep(exponential * (0.5 + deps.random.next() / 2))
}
