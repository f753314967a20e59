/**
 * One call over several members: which failures another member may not have, when a call may be
 * sent again, and for how long. A write is sent again only when it certainly was not applied; a
 * read always. After a round without success comes a short pause: an election takes about a second.
 */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import { isCertificateFault, isStaleToken } from './errors.ts'
import { grpcStatus, type TransportCall, TransportError } from './transport.ts'

export interface Attempts<A> {
  /** Members there are. */
  readonly members: number
  readonly callTimeoutMs: number
  readonly attemptTimeoutMs: number
  /** Sends the call once. */
  readonly send: (timeoutMs: number) => Promise<A>
  /** Prepares for another member. */
  readonly turn: (error: TransportError) => void
  /** Forgets the token. */
  readonly renewToken: () => void
}

const pauseMs = 100
const pauseMsMax = 500
const renewalsMax = 2

const elsewhere: ReadonlySet<number> = new Set([
  grpcStatus.unavailable,
  grpcStatus.deadlineExceeded,
  grpcStatus.unknown,
  grpcStatus.cancelled,
])

/** Resolves early when the call is cancelled. */
export const pause = (ms: number, cancellation?: Cancellation): Promise<void> =>
  new Promise((resolve) => {
    if (cancellation?.aborted) return resolve()
    const finish = (): void => {
      clearTimeout(timer)
      cancellation?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    cancellation?.addEventListener('abort', finish)
  })

const cancelled = () => new TransportError(grpcStatus.cancelled, 'the call was cancelled', 'Maybe')

/** Ends the waiting of a caller who cancels, whatever becomes of what was sent. */
export const orCancelled = async <T>(
  pending: Promise<T>,
  cancellation: Cancellation | undefined,
): Promise<T> => {
  if (cancellation === undefined) return pending
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelled())
    cancellation.addEventListener('abort', abort)
    if (cancellation.aborted) abort()
    pending.then(resolve, reject).finally(() => cancellation.removeEventListener('abort', abort))
  })
}

const asTransportError = (cause: unknown): TransportError =>
  cause instanceof TransportError
    ? cause
    : new TransportError(grpcStatus.unknown, String(cause), 'Maybe', cause)

/** Rejects with the last TransportError; with `applied: 'Maybe'` if any attempt may have been. */
export const withFailover = async <A>(call: TransportCall, attempts: Attempts<A>): Promise<A> => {
  const endsAt = performance.now() + attempts.callTimeoutMs
  let renewals = 0
  for (let tries = 1; ; tries += 1) {
    const leftMs = endsAt - performance.now()
    const timeoutMs = Math.max(1, Math.ceil(Math.min(attempts.attemptTimeoutMs, leftMs)))
    try {
      return await attempts.send(timeoutMs)
    } catch (cause) {
      const error = asTransportError(cause)
      if (call.cancellation?.aborted) throw error
      if (isStaleToken(error) && renewals < renewalsMax) {
        renewals += 1
        attempts.renewToken()
        continue
      }
      const mayRepeat = call.isReadOnly || error.applied === 'No'
      if (elsewhere.has(error.status)) attempts.turn(error)
      if (!mayRepeat || !elsewhere.has(error.status)) throw error
      // Another member may have a better certificate; the same one will not get it by itself.
      if (isCertificateFault(error) && tries >= attempts.members) throw error
      const isRoundOver = tries % attempts.members === 0
      const waitMs = isRoundOver ? Math.min(pauseMs * (tries / attempts.members), pauseMsMax) : 0
      if (performance.now() + waitMs >= endsAt) throw error
      if (waitMs > 0) await pause(waitMs, call.cancellation)
    }
  }
}
