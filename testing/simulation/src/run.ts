/** One run: a world from a seed, traffic with faults, then quiet, then the last checks. */
import type { Wrap } from './attempt.ts'
import { affinityFaults } from './checkers/affinities.ts'
import { blockFaults } from './checkers/blocks.ts'
import { quietFaults } from './checkers/quiet.ts'
import { type Faults, manyFaults } from './faults.ts'
import { Pods } from './pods.ts'
import type { Mode } from './simulated-store.ts'
import type { Simulation } from './simulation.ts'
import { churn } from './traffic/churn.ts'
import { Collector } from './traffic/collector.ts'
import { affinityEdits, partitions } from './traffic/disturbances.ts'
import { World } from './world.ts'

export interface RunOptions {
  readonly seed: number
  readonly mode: Mode
  /** Requests to the datastore before the traffic drains. */
  readonly steps: number
  readonly faults?: Faults
  readonly wrap?: Wrap
}

export interface RunResult {
  readonly seed: number
  readonly mode: Mode
  readonly calls: number
  readonly pods: number
  readonly violations: ReadonlyArray<string>
  readonly trace: ReadonlyArray<string>
}

const nodes = ['n1', 'n2', 'n3', 'n4']
const placesPerNode = 4
/** Longer than every pause, timeout and late write together. */
const settleMs = 3_600_000
const quietCollections = 4

const prepare = (world: World, cooldownSeconds: number): void => {
  const create = (key: object, value: object) =>
    world.store.apply({ op: 'create', key, value } as never)
  const pool = {
    blockSize: 29,
    disabled: false,
    terminating: false,
    allocatable: true,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
    assignmentMode: 'Automatic',
    ipipMode: 'Never',
    vxlanMode: 'Never',
    natOutgoing: false,
    disableBGPExport: false,
  }
  create({ kind: 'IPPool', name: 'a' }, { ...pool, name: 'a', cidr: '10.0.0.0/27' })
  for (const name of nodes) create({ kind: 'Node', name }, { name, labels: { host: name } })
  create(
    { kind: 'IPAMConfig' },
    {
      strictAffinity: false,
      autoAllocateBlocks: true,
      maxBlocksPerHost: 0,
      ipCooldownSeconds: cooldownSeconds,
    },
  )
}

const quieten = async (simulation: Simulation, collector: Collector): Promise<void> => {
  const { world } = simulation
  simulation.isDraining = true
  world.heal()
  world.note('--- quiet')
  await world.scheduler.sleep(settleMs)
  for (let i = 0; i < quietCollections; i += 1) {
    await collector.collect()
    await world.scheduler.sleep(settleMs)
  }
}

export const run = async (options: RunOptions): Promise<RunResult> => {
  const { seed, mode, steps, faults = manyFaults, wrap = (datastore) => datastore } = options
  const world = new World(seed, mode, faults)
  const pods = new Pods()
  const cooldownSeconds = world.random.pick([0, 0, 30])
  prepare(world, cooldownSeconds)
  const simulation: Simulation = { world, pods, wrap, nodes, cooldownSeconds, isDraining: false }
  world.store.onChange((change) => {
    for (const fault of blockFaults(change, pods)) world.violate(fault)
    if (!world.store.isAtomic) {
      for (const fault of affinityFaults(change, world.store)) world.violate(fault)
    }
  })
  const collector = new Collector(simulation)
  for (const node of nodes) {
    for (let i = 0; i < placesPerNode; i += 1) void churn(simulation, node, node === 'n4')
  }
  void collector.run()
  void partitions(simulation)
  void affinityEdits(simulation)
  const failed = () => world.violations.length > 0
  await world.scheduler.run(() => failed() || world.calls >= steps)
  if (!failed()) {
    const quiet = quieten(simulation, collector).then(() => {
      for (const fault of quietFaults(world.store, pods)) world.violate(fault)
    })
    await world.scheduler.run(failed)
    if (!failed()) await quiet
  }
  const { calls, violations, trace } = world
  return { seed, mode, calls, pods: pods.all.size, violations, trace }
}
