/** All loops of the controller. */
import type { ControllerContext } from './context.ts'
import { createFixedReconciler } from './fixed/fixed-reconciler.ts'
import { createGarbageReconciler } from './garbage/garbage-reconciler.ts'
import { createPoolThresholds } from './pools/thresholds.ts'
import type { Reconciler } from './reconciler.ts'
import { createServiceStatus } from './service-pools/status.ts'

export type CreateReconciler = (context: ControllerContext) => Reconciler

export const createReconcilers: ReadonlyArray<CreateReconciler> = [
  createServiceStatus,
  createPoolThresholds,
  createFixedReconciler,
  createGarbageReconciler,
]
