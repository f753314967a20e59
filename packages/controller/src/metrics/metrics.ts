/**
 * Prometheus metrics. Names and labels of addresses, blocks and pools are those of Calico's
 * kube-controllers; what is ours begins with `hc_calico_`. The registry belongs to one controller:
 * loading this file registers nothing.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface ControllerMetrics {
  readonly registry: Registry
  /** Allocations that garbage collection suspects or has confirmed. */
  readonly gcCandidates: Gauge<'ippool' | 'node'>
  readonly gcReclamations: Counter<'ippool' | 'node'>
  /** Fixed addresses that retention gave back. */
  readonly fixedReleased: Counter
  /** Fixed addresses whose holder was gone without a word. */
  readonly fixedParked: Counter
  /** Handles that owned nothing and were deleted. */
  readonly handlesDeleted: Counter
  /** The highest threshold that each pool has reached, in per cent; 0: none. */
  readonly poolLevel: Gauge<'ippool'>
  /** Loop runs; `result`: `done` or `failed`. */
  readonly runs: Counter<'loop' | 'result'>
  readonly runSeconds: Histogram<'loop'>
}

const loopMetrics = (registers: Registry[]) => ({
  runs: new Counter({
    name: 'hc_calico_controller_runs_total',
    help: 'Runs of each loop.',
    labelNames: ['loop', 'result'],
    registers,
  }),
  runSeconds: new Histogram({
    name: 'hc_calico_controller_run_seconds',
    help: 'How long runs of each loop take.',
    labelNames: ['loop'],
    buckets: [0.01, 0.1, 1, 10, 60, 300],
    registers,
  }),
})

const fixedMetrics = (registers: Registry[]) => ({
  fixedReleased: new Counter({
    name: 'hc_calico_fixed_released_total',
    help: 'Fixed addresses given back by retention.',
    registers,
  }),
  fixedParked: new Counter({
    name: 'hc_calico_fixed_parked_total',
    help: 'Fixed addresses parked because their holder was gone.',
    registers,
  }),
  handlesDeleted: new Counter({
    name: 'hc_calico_gc_handles_deleted_total',
    help: 'Handles that owned nothing and were deleted.',
    registers,
  }),
})

export const createMetrics = (): ControllerMetrics => {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    gcCandidates: new Gauge({
      name: 'ipam_allocations_gc_candidates',
      help: 'Allocations that garbage collection suspects to be leaked.',
      labelNames: ['ippool', 'node'],
      registers,
    }),
    gcReclamations: new Counter({
      name: 'ipam_allocations_gc_reclamations',
      help: 'Allocations that garbage collection has released.',
      labelNames: ['ippool', 'node'],
      registers,
    }),
    poolLevel: new Gauge({
      name: 'hc_calico_ippool_threshold_percent',
      help: 'The highest threshold that the pool has reached; 0: none.',
      labelNames: ['ippool'],
      registers,
    }),
    ...fixedMetrics(registers),
    ...loopMetrics(registers),
  }
}
