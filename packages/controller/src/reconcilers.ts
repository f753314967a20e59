/** All loops of the controller. */
import type { ControllerContext } from './context.ts'
import type { Reconciler } from './reconciler.ts'

export type CreateReconciler = (context: ControllerContext) => Reconciler

export const createReconcilers: ReadonlyArray<CreateReconciler> = []
