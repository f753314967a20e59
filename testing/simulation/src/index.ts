/** Entry of the simulation: run a seed, read the report. */
export { type Faults, manyFaults, noFaults } from './faults.ts'
export { report } from './report.ts'
export { type RunOptions, type RunResult, run } from './run.ts'
export { type Shrunk, shrink } from './shrink.ts'
export type { Parts } from './simulation.ts'
export { type Mode, modes } from './store/simulated-store.ts'
