/**
 * Makes a failing run small enough to read: leaves out events, then spares requests what went wrong
 * with them, half of them at a time, then quarters, and so on, as long as the same law is broken.
 * Bounded by time, because every attempt is a run.
 */
import { type RunOptions, type RunResult, run } from './run.ts'

export interface Shrunk {
  readonly result: RunResult
  readonly options: RunOptions
  readonly runs: number
}

/** What is left of `parts` when as much as possible has been left out in chunks. */
const fewest = async <A>(
  parts: ReadonlyArray<A>,
  stillFails: (kept: ReadonlyArray<A>) => Promise<boolean>,
): Promise<ReadonlyArray<A>> => {
  let kept = parts
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < kept.length; ) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)]
      if (await stillFails(without)) kept = without
      else from += size
    }
  }
  return kept
}

export const shrink = async (
  options: RunOptions,
  failing: RunResult,
  msMax: number,
): Promise<Shrunk> => {
  const until = performance.now() + msMax
  const law = failing.violations[0]?.law
  let best: RunResult = failing
  let used: RunOptions = options
  let runs = 0
  const fails = async (attempted: RunOptions): Promise<boolean> => {
    if (performance.now() > until) return false
    runs += 1
    const result = await run(attempted)
    const isSame = result.violations[0]?.law === law
    if (isSame) [best, used] = [result, attempted]
    return isSame
  }
  await fewest(
    failing.events.map(([index]) => index),
    (kept) => fails({ ...used, events: new Set(kept) }),
  )
  await fewest(best.mishaps, (kept) => fails({ ...used, onlyMishaps: new Set(kept) }))
  return { result: best, options: used, runs }
}
