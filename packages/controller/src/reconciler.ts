/**
 * One loop of the controller: something that is made true again and again. A loop knows nothing of
 * leadership or pace: it is run (`loop.ts`) only while this process leads, never twice at once, and
 * only when everything it needs has been listed in full and is being kept up to date.
 */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import type { Cache, Subscribable } from './sources/cache.ts'

export interface Reconciler {
  /** Kebab-case; stands in logs, metrics and health reports. */
  readonly name: string
  /** It runs again at latest this long after it last ended. */
  readonly periodMs: number
  /** Nothing is reconciled unless all of these are synced and not stalled. */
  readonly needs: ReadonlyArray<Pick<Cache<unknown>, 'name' | 'isSynced' | 'isStalled'>>
  /** A change in one of these runs it before its period is over. */
  readonly triggers?: ReadonlyArray<Subscribable>
  /** How long changes are gathered before a triggered run. Default 1 000. */
  readonly settleMs?: number
  /** A run that takes longer than this is stalled: the process is not healthy. Default 600 000. */
  readonly stallMs?: number
  /**
   * One run. It asks `cancellation.aborted` between any two steps and returns early when it fires
   * (the process stops, or leads no more); a step under way is finished, so the cancellation is
   * not handed on to writes. What it throws is logged and counted, and it runs again after a pause
   * that grows.
   */
  reconcile(cancellation: Cancellation): Promise<void>
}

export const defaultSettleMs = 1_000
export const defaultStallMs = 600_000
