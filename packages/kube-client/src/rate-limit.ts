import type { Cancellation } from './kube-client.ts'

/** A token bucket, as client-go limits its clients: `burst` at once, `qps` in the long run. */
export interface RateLimit {
  /** Resolves when one more request may be made, or when the wait for it is cancelled. */
  readonly admit: (cancellation?: Cancellation) => Promise<void>
}

export interface Ticker {
  /** Milliseconds, monotonic. */
  now(): number
  sleep(ms: number, cancellation?: Cancellation): Promise<void>
}

const systemTicker: Ticker = {
  now: () => performance.now(),
  sleep: (ms, cancellation) =>
    new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        cancellation?.removeEventListener('abort', finish)
        resolve()
      }
      const timer = setTimeout(finish, ms)
      cancellation?.addEventListener('abort', finish)
      if (cancellation?.aborted) finish()
    }),
}

/** `qps` 0: no limit. */
export const rateLimit = (qps: number, burst: number, ticker: Ticker = systemTicker): RateLimit => {
  if (qps <= 0) return { admit: async () => undefined }
  let tokens = burst
  let at = ticker.now()
  return {
    admit: async (cancellation) => {
      const now = ticker.now()
      tokens = Math.min(burst, tokens + ((now - at) * qps) / 1000)
      at = now
      // Below zero: places in the queue that are taken already.
      tokens -= 1
      if (tokens < 0) await ticker.sleep((-tokens * 1000) / qps, cancellation)
    },
  }
}
