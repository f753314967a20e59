/**
 * Entry `@hc-calico/controller`: the process as a library, and what it decides. Importing it starts
 * nothing.
 */
export { type ControllerClock, machineClock } from './clock.ts'
export { collectGarbage } from './decisions/collect-garbage.ts'
export { type FixedIdentity, fixedInventory } from './decisions/fixed-inventory.ts'
export { type RetentionPolicy, retentionVerdict } from './decisions/retention.ts'
export { createLog, type Log, type LogLevel } from './log.ts'
export { main } from './main.ts'
export type { Reconciler } from './reconciler.ts'
export type { CreateReconciler } from './reconcilers.ts'
export { type Controller, type ControllerOptions, startController } from './run.ts'
export { type ControllerSettings, defaultSettings } from './settings.ts'
