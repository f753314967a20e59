/** One run: a world from a seed, traffic with faults, then quiet, then the last checks. */
import { judgeAffinities } from './checkers/affinities.ts'
import { judgeBlock } from './checkers/blocks.ts'
import { judgeQuiet } from './checkers/quiet.ts'
import { type Faults, faultsFor } from './faults.ts'
import { quieten } from './quiet.ts'
import { type Parts, type Simulation, simulationOf } from './simulation.ts'
import type { Mode } from './store/simulated-store.ts'
import { Traffic } from './traffic/traffic.ts'
import { type Violation, World } from './world.ts'

export interface RunOptions {
  readonly seed: number
  readonly mode: Mode
  /** Requests to the datastore before the traffic drains. */
  readonly steps: number
  readonly faults?: Faults
  readonly parts?: Partial<Parts>
  /** Only these events of the plan take place. Default: all. */
  readonly events?: ReadonlySet<number>
  /** Requests, by name, that something may go wrong with. Default: all. */
  readonly onlyMishaps?: ReadonlySet<string>
}

export interface RunResult {
  readonly seed: number
  readonly mode: Mode
  readonly calls: number
  readonly violations: ReadonlyArray<Violation>
  /** Events that took place. */
  readonly events: ReadonlyArray<readonly [index: number, name: string]>
  /** Requests that something went wrong with. */
  readonly mishaps: ReadonlyArray<string>
  readonly trace: ReadonlyArray<string>
}

/** Few nodes often meet; of many there are more than blocks. Every fourth seed has many. */
const nodesOf = (seed: number, mode: Mode): ReadonlyArray<string> => {
  if (mode === 'local') return ['n1']
  const count = seed % 4 === 3 ? 24 : 4
  return Array.from({ length: count }, (_, n) => `n${n + 1}`)
}

const simulate = (options: RunOptions): Simulation => {
  const { seed, mode, faults = faultsFor(mode), onlyMishaps } = options
  const nodes = nodesOf(seed, mode)
  const world = new World(seed, mode, faults, onlyMishaps)
  const sound = simulationOf(world, nodes)
  const simulation: Simulation = {
    ...sound,
    parts: { ...sound.parts, ...options.parts },
    upstreamNode: mode === 'local' ? undefined : 'n4',
  }
  world.store.onChange((changes) => {
    for (const change of changes) judgeBlock(simulation, change)
    judgeAffinities(simulation, changes)
  })
  return simulation
}

/** Refusals are errors, and nobody reads where thousands of them were made: that costs a tenth. */
const withoutStacks = async <A>(work: () => Promise<A>): Promise<A> => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return await work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

export const run = (options: RunOptions): Promise<RunResult> =>
  withoutStacks(() => runWhole(options))

const runWhole = async (options: RunOptions): Promise<RunResult> => {
  const { seed, mode, steps, events } = options
  const simulation = simulate(options)
  const { world } = simulation
  const traffic = new Traffic(simulation)
  let isPlanOver = false
  void traffic.run(events).then(() => {
    isPlanOver = true
  })
  const failed = () => world.violations.length > 0
  await world.scheduler.run(() => failed() || isPlanOver || world.calls >= steps)
  if (!failed()) {
    let isOver = false
    const end = quieten(simulation, traffic).then(() => {
      judgeQuiet(simulation)
      isOver = true
    })
    await world.scheduler.run(() => failed() || isOver)
    if (!failed()) await end
  }
  const { calls, violations, mishaps } = world
  return { seed, mode, calls, violations, events: traffic.done, mishaps, trace: world.trace.lines }
}
