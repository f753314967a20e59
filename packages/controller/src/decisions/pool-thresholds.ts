/**
 * When a pool's fill is worth an Event. Only a crossing speaks, and a level that was crossed must be
 * left by a margin before it can speak again: a pool that swings around 90 per cent is told once.
 */

export interface PoolFill {
  readonly pool: string
  readonly total: bigint
  readonly used: bigint
}

export interface ThresholdLimits {
  /** Per cent of the pool, rising. */
  readonly levels: ReadonlyArray<number>
  /** Per cent below a level at which it counts as left. */
  readonly marginPercent: number
}

export const defaultThresholdLimits: ThresholdLimits = { levels: [80, 90, 100], marginPercent: 5 }

export interface ThresholdEvent {
  readonly pool: string
  readonly level: number
  readonly direction: 'reached' | 'left'
}

/** Highest level that each pool stands at; a pool below all of them is absent. */
export type PoolLevels = ReadonlyMap<string, number>

// Exact for any size: an IPv6 pool has more addresses than a number can count. Used can exceed
// total where reservations came after allocations.
const reaches = ({ used, total }: PoolFill, percent: number): boolean =>
  total > 0n && used * 10_000n >= total * BigInt(Math.round(percent * 100))

const levelOf = (
  fill: PoolFill,
  before: number | undefined,
  { levels, marginPercent }: ThresholdLimits,
): number | undefined => {
  const holds = levels.filter((level) =>
    reaches(fill, before !== undefined && level <= before ? level - marginPercent : level),
  )
  return holds.length === 0 ? undefined : Math.max(...holds)
}

/**
 * The pools' new levels, and what to say. Without a level before (a controller just started) a
 * pool that is already full speaks once; pools that are gone are forgotten in silence.
 */
export const poolThresholds = (
  fills: ReadonlyArray<PoolFill>,
  before: PoolLevels,
  limits: ThresholdLimits = defaultThresholdLimits,
): { readonly levels: PoolLevels; readonly events: ReadonlyArray<ThresholdEvent> } => {
  const levels = new Map<string, number>()
  const events: ThresholdEvent[] = []
  for (const fill of fills) {
    const old = before.get(fill.pool)
    const level = levelOf(fill, old, limits)
    if (level !== undefined) levels.set(fill.pool, level)
    if (level !== undefined && (old === undefined || level > old)) {
      events.push({ pool: fill.pool, level, direction: 'reached' })
    } else if (old !== undefined && (level === undefined || level < old)) {
      events.push({ pool: fill.pool, level: old, direction: 'left' })
    }
  }
  return { levels, events }
}
