/**
 * Which statuses are written now. What says something new (a state, a condition, an answer to an
 * edit) goes at once and first. Where only counts moved there is a budget: every allocation moves
 * the counts of all services that share the pool, and a busy cluster must not become a stream of
 * writes. Whoever has waited longest goes first.
 */

export interface StatusWrite {
  readonly key: string
  readonly isNews: boolean
  /** When this process last wrote it; undefined: never. */
  readonly writtenMs: number | undefined
}

export interface CountBudget {
  readonly left: number
  readonly sinceMs: number
}

export interface CountLimits {
  /** One service's counts are told at most this often. */
  readonly sameMs: number
  readonly perSecond: number
  readonly burst: number
}

export const defaultCountLimits: CountLimits = { sameMs: 10_000, perSecond: 5, burst: 50 }

export const fullBudget = (nowMs: number, { burst }: CountLimits): CountBudget => ({
  left: burst,
  sinceMs: nowMs,
})

export const statusWrites = (
  wanted: ReadonlyArray<StatusWrite>,
  budget: CountBudget,
  nowMs: number,
  { sameMs, perSecond, burst }: CountLimits = defaultCountLimits,
): { readonly keys: ReadonlyArray<string>; readonly budget: CountBudget } => {
  const news = wanted.filter(({ isNews }) => isNews)
  const isDue = ({ writtenMs }: StatusWrite) =>
    writtenMs === undefined || nowMs - writtenMs >= sameMs
  const counts = wanted
    .filter((one) => !one.isNews && isDue(one))
    .sort((a, b) => (a.writtenMs ?? 0) - (b.writtenMs ?? 0))
  const left = Math.min(burst, budget.left + ((nowMs - budget.sinceMs) * perSecond) / 1000)
  const told = counts.slice(0, Math.floor(left))
  return {
    keys: [...news, ...told].map(({ key }) => key),
    budget: { left: left - told.length, sinceMs: nowMs },
  }
}
