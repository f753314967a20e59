/**
 * The loop that says when a pool fills up: an Event on the pool at each level that is reached, and
 * one when it has room again.
 */
import type { Values } from '@hc-calico/ipam-core/ports'
import type { ControllerContext } from '../context.ts'
import {
  type PoolLevels,
  poolThresholds,
  type ThresholdEvent,
} from '../decisions/pool-thresholds.ts'
import type { Reconciler } from '../reconciler.ts'
import { currentUsage } from './usage.ts'

const periodMs = 30_000
const settleMs = 5_000

const uidOf = ({ unknownFields }: Values['IPPool']): string | undefined => {
  const metadata = unknownFields?.metadata as { readonly uid?: unknown } | undefined
  return typeof metadata?.uid === 'string' ? metadata.uid : undefined
}

const wishFor = ({ level, direction, pool }: ThresholdEvent) => {
  if (direction === 'left') {
    const message = `${pool} is less than ${level} per cent full again`
    return { type: 'Normal', reason: 'PoolHasRoom', message } as const
  }
  if (level >= 100) {
    const message = `${pool} is full: no address is left`
    return { type: 'Warning', reason: 'PoolFull', message } as const
  }
  const message = `${pool} is ${level} per cent full`
  return { type: 'Warning', reason: 'PoolFillsUp', message } as const
}

export const createPoolThresholds = (context: ControllerContext): Reconciler => {
  const { sources, settings, events, metrics } = context
  const { pools, reservations, blocks } = sources
  let levels: PoolLevels = new Map()
  return {
    name: 'pool-thresholds',
    periodMs,
    settleMs,
    needs: [pools, reservations, blocks],
    triggers: [pools, reservations, blocks],
    reconcile: async () => {
      const fills = [...currentUsage(sources).values()].map(({ name, used, free }) => ({
        ...{ pool: name, total: used + free, used },
      }))
      const { levels: now, events: said } = poolThresholds(fills, levels, settings.thresholds)
      levels = now
      metrics.poolLevel.reset()
      for (const { pool } of fills) metrics.poolLevel.set({ ippool: pool }, now.get(pool) ?? 0)
      for (const event of said) {
        const pool = pools.get(event.pool)
        const uid = pool === undefined ? undefined : uidOf(pool)
        const regarding = {
          ...{ apiVersion: 'projectcalico.org/v3', kind: 'IPPool', namespace: '' },
          name: event.pool,
          ...(uid === undefined ? {} : { uid }),
        }
        events.record({ regarding, ...wishFor(event) })
      }
    },
  }
}
