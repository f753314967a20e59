/**
 * Whether the process is well (`/healthz`: a restart would help if not) and fit for its work
 * (`/readyz`: it knows the cluster as it is now).
 */
import type { ControllerClock } from './clock.ts'
import type { LoopState } from './loop.ts'
import type { Cache } from './sources/cache.ts'

export interface Health {
  /** Empty: all is well. Otherwise sentences. */
  live(): ReadonlyArray<string>
  ready(): ReadonlyArray<string>
}

export const createHealth = (
  clock: ControllerClock,
  caches: ReadonlyArray<Cache<unknown>>,
  loops: () => ReadonlyArray<LoopState>,
): Health => {
  const live = (): ReadonlyArray<string> =>
    loops()
      .filter(({ isStalled }) => isStalled)
      .map(({ name }) => `the loop ${name} is stalled`)
  return {
    live,
    ready: () => {
      const nowMs = clock.monotonicMs()
      const unready = caches.flatMap((cache) => {
        if (!cache.isSynced) return [`${cache.name} are not listed yet`]
        return cache.isStalled(nowMs) ? [`nothing is heard about ${cache.name}`] : []
      })
      return [...live(), ...unready]
    },
  }
}
