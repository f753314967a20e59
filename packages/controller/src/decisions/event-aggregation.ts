/**
 * Which Events reach the API. An Event that says the same about the same object again is counted on
 * the one that exists, and that only now and then; an object about which much is said gets a budget,
 * as client-go gives it. Whatever happens ten thousand times costs a handful of writes.
 */

export interface EventSubject {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  /** Empty for objects of the cluster. */
  readonly namespace: string
  readonly uid?: string
}

export interface EventWish {
  readonly regarding: EventSubject
  readonly type: 'Normal' | 'Warning'
  /** One word in CamelCase. */
  readonly reason: string
  readonly message: string
}

export interface EventLimits {
  /** An Event that is said again within this time is counted, not made anew. */
  readonly sameMs: number
  /** The count of an Event is written at most this often. */
  readonly countMs: number
  /** New Events about one object: at once, and one more per `refillMs`. */
  readonly burst: number
  readonly refillMs: number
  /** Events remembered; the oldest are forgotten first. */
  readonly rememberedMax: number
}

export const defaultEventLimits: EventLimits = {
  sameMs: 3_600_000,
  countMs: 60_000,
  burst: 20,
  refillMs: 60_000,
  rememberedMax: 4_096,
}

/** One Event that was made. */
export interface KnownEvent {
  readonly name: string
  readonly firstMs: number
  readonly lastMs: number
  readonly writtenMs: number
  readonly count: number
}

export interface EventMemory {
  readonly known: ReadonlyMap<string, KnownEvent>
  /** Per object: what is left of its budget, and since when. */
  readonly budgets: ReadonlyMap<string, { readonly left: number; readonly sinceMs: number }>
}

export const emptyEventMemory: EventMemory = { known: new Map(), budgets: new Map() }

export type EventStep =
  | { readonly tag: 'Create'; readonly event: KnownEvent }
  | { readonly tag: 'Count'; readonly event: KnownEvent }
  | { readonly tag: 'Drop' }

const subjectText = ({ apiVersion, kind, namespace, name }: EventSubject): string =>
  `${apiVersion} ${kind} ${namespace}/${name}`

const wishText = ({ regarding, type, reason, message }: EventWish): string =>
  `${subjectText(regarding)} ${type} ${reason} ${message}`

/** Maps keep the order of insertion: setting anew moves to the end, the first is the oldest. */
const remembered = <V>(
  map: ReadonlyMap<string, V>,
  key: string,
  value: V,
  max: number,
): ReadonlyMap<string, V> => {
  const next = new Map(map)
  next.delete(key)
  next.set(key, value)
  const [oldest] = next.keys()
  if (next.size > max && oldest !== undefined) next.delete(oldest)
  return next
}

const budgetAt = (
  { budgets }: EventMemory,
  subject: string,
  nowMs: number,
  { burst, refillMs }: EventLimits,
): number => {
  const budget = budgets.get(subject)
  if (budget === undefined) return burst
  return Math.min(burst, budget.left + (nowMs - budget.sinceMs) / refillMs)
}

/** What to write for a wish now. `freshName` is used when a new Event is made. */
export const eventStep = (
  wish: EventWish,
  memory: EventMemory,
  { nowMs, freshName }: { readonly nowMs: number; readonly freshName: string },
  limits: EventLimits = defaultEventLimits,
): { readonly memory: EventMemory; readonly step: EventStep } => {
  const text = wishText(wish)
  const known = memory.known.get(text)
  const remember = (event: KnownEvent) =>
    remembered(memory.known, text, event, limits.rememberedMax)
  if (known !== undefined && nowMs - known.lastMs < limits.sameMs) {
    const isDue = nowMs - known.writtenMs >= limits.countMs
    const count = known.count + 1
    const event = { ...known, count, lastMs: nowMs, ...(isDue ? { writtenMs: nowMs } : {}) }
    const step: EventStep = isDue ? { tag: 'Count', event } : { tag: 'Drop' }
    return { memory: { ...memory, known: remember(event) }, step }
  }
  const subject = subjectText(wish.regarding)
  const left = budgetAt(memory, subject, nowMs, limits)
  if (left < 1) return { memory, step: { tag: 'Drop' } }
  const event = { name: freshName, firstMs: nowMs, lastMs: nowMs, writtenMs: nowMs, count: 1 }
  const spent = { left: left - 1, sinceMs: nowMs }
  const budgets = remembered(memory.budgets, subject, spent, limits.rememberedMax)
  return { memory: { known: remember(event), budgets }, step: { tag: 'Create', event } }
}
