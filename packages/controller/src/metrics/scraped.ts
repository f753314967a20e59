/**
 * Metrics that are read off the caches when somebody asks for them. What is about addresses is told
 * by the leader only, or two replicas would count everything twice.
 */
import { Gauge, type Registry } from 'prom-client'
import type { ControllerClock } from '../clock.ts'
import { type NodeTally, type PoolTally, tallyIPAM } from '../decisions/ipam-tally.ts'
import { poolFinder } from '../decisions/pool-usage.ts'
import type { LoopState } from '../loop.ts'
import { currentUsage } from '../pools/usage.ts'
import { allCaches, type Sources } from '../sources/sources.ts'

export interface Scraped {
  readonly registry: Registry
  readonly sources: Sources
  readonly clock: ControllerClock
  readonly isLeading: () => boolean
  readonly loops: () => ReadonlyArray<LoopState>
}

type Gauges<L extends string, N extends string> = Readonly<Record<N, Gauge<L>>>

const gauges = <L extends string, N extends string>(
  registry: Registry,
  labelNames: ReadonlyArray<L>,
  helps: Readonly<Record<N, string>>,
): Gauges<L, N> =>
  Object.fromEntries(
    Object.entries<string>(helps).map(([name, help]) => [
      name,
      new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] }),
    ]),
  ) as unknown as Gauges<L, N>

const createGauges = (registry: Registry) => ({
  byPoolAndNode: gauges(registry, ['ippool', 'node'], {
    ipam_allocations_in_use: 'Addresses given out.',
    ipam_allocations_borrowed: "Addresses given out on another node than their block's.",
    ipam_blocks: 'Blocks.',
  }),
  byPool: gauges(registry, ['ippool'], {
    ipam_ippool_size: "Addresses of the pool's CIDR.",
    ipam_ippool_reserved: 'Addresses of the pool that are reserved.',
    hc_calico_ippool_used: 'Addresses of the pool that are given out or cool down.',
    hc_calico_ippool_free: 'Addresses of the pool that can still be given out.',
    hc_calico_fixed_addresses_held: 'Fixed addresses that a pod holds.',
    hc_calico_fixed_addresses_parked: 'Fixed addresses that are kept for a pod to come.',
  }),
  byNode: gauges(registry, ['node'], {
    ipam_allocations_per_node: 'Addresses given out (older name).',
    ipam_allocations_borrowed_per_node: 'Borrowed addresses (older name).',
    ipam_blocks_per_node: 'Blocks (older name).',
  }),
  byService: gauges(registry, ['namespace', 'name'], {
    hc_calico_service_ip_pool_total: 'Addresses that the serving pools can give out.',
    hc_calico_service_ip_pool_used: 'Of these, given out.',
    hc_calico_service_ip_pool_free: 'Of these, left.',
    hc_calico_service_ip_pool_draining: 'Addresses of the service in pools that drain.',
  }),
  bySource: gauges(registry, ['source'], {
    hc_calico_controller_cached_objects: 'Objects in each cache.',
    hc_calico_controller_source_synced: '1: everything has been listed.',
    hc_calico_controller_source_silence_seconds: 'Since anything was heard of it.',
  }),
  byLoop: gauges(registry, ['loop'], {
    hc_calico_controller_loop_stalled: '1: a run takes longer than it may.',
    hc_calico_controller_since_success_seconds: 'Since the last run that succeeded.',
  }),
  own: gauges(registry, [], { hc_calico_controller_leading: '1: this replica leads.' }),
})

type AllGauges = ReturnType<typeof createGauges>

const setNode = (
  { byPoolAndNode }: AllGauges,
  ippool: string,
  node: string,
  { inUse, borrowed, blocks }: NodeTally,
): void => {
  byPoolAndNode.ipam_allocations_in_use.set({ ippool, node }, inUse)
  byPoolAndNode.ipam_allocations_borrowed.set({ ippool, node }, borrowed)
  byPoolAndNode.ipam_blocks.set({ ippool, node }, blocks)
}

const setTallies = (
  all: AllGauges,
  tallies: ReadonlyMap<string, PoolTally>,
  nodes: Iterable<string>,
): void => {
  const { byNode, byPool } = all
  // Nodes that have nothing are told with zero.
  for (const node of nodes) for (const gauge of Object.values(byNode)) gauge.set({ node }, 0)
  for (const [ippool, tally] of tallies) {
    byPool.hc_calico_fixed_addresses_held.set({ ippool }, tally.fixedHeld)
    byPool.hc_calico_fixed_addresses_parked.set({ ippool }, tally.fixedParked)
    for (const [node, one] of tally.nodes) {
      setNode(all, ippool, node, one)
      byNode.ipam_allocations_per_node.inc({ node }, one.inUse)
      byNode.ipam_allocations_borrowed_per_node.inc({ node }, one.borrowed)
      byNode.ipam_blocks_per_node.inc({ node }, one.blocks)
    }
  }
}

const setUsage = ({ byPool }: AllGauges, sources: Sources): void => {
  for (const { name: ippool, size, reserved, used, free } of currentUsage(sources).values()) {
    byPool.ipam_ippool_size.set({ ippool }, Number(size))
    byPool.ipam_ippool_reserved.set({ ippool }, Number(reserved))
    byPool.hc_calico_ippool_used.set({ ippool }, Number(used))
    byPool.hc_calico_ippool_free.set({ ippool }, Number(free))
  }
}

const setServices = ({ byService }: AllGauges, { servicePools }: Sources): void => {
  for (const { namespace, name, pool } of servicePools.all().values()) {
    const status = typeof pool === 'string' ? undefined : pool.status
    if (status === undefined) continue
    const { total = 0, used = 0, free = 0, members = [] } = status
    const draining = members.filter(({ state }) => state === 'Draining')
    const labels = { namespace, name }
    byService.hc_calico_service_ip_pool_total.set(labels, total)
    byService.hc_calico_service_ip_pool_used.set(labels, used)
    byService.hc_calico_service_ip_pool_free.set(labels, free)
    const held = draining.reduce((sum, one) => sum + (one.held ?? 0), 0)
    byService.hc_calico_service_ip_pool_draining.set(labels, held)
  }
}

const setProcess = (all: AllGauges, { sources, clock, loops, isLeading }: Scraped): void => {
  const nowMs = clock.monotonicMs()
  all.own.hc_calico_controller_leading.set(isLeading() ? 1 : 0)
  for (const { name: source, size, isSynced, lastEventMs } of allCaches(sources)) {
    all.bySource.hc_calico_controller_cached_objects.set({ source }, size)
    all.bySource.hc_calico_controller_source_synced.set({ source }, isSynced ? 1 : 0)
    const silence = (nowMs - lastEventMs) / 1000
    all.bySource.hc_calico_controller_source_silence_seconds.set({ source }, silence)
  }
  for (const { name: loop, isStalled, lastSuccessMs } of loops()) {
    all.byLoop.hc_calico_controller_loop_stalled.set({ loop }, isStalled ? 1 : 0)
    if (lastSuccessMs === undefined) continue
    const since = (nowMs - lastSuccessMs) / 1000
    all.byLoop.hc_calico_controller_since_success_seconds.set({ loop }, since)
  }
}

/** Returns what brings the gauges up to date. */
export const createScraped = (scraped: Scraped): (() => void) => {
  const all = createGauges(scraped.registry)
  const { sources, isLeading } = scraped
  return () => {
    for (const family of Object.values(all)) {
      for (const gauge of Object.values<Gauge>(family)) gauge.reset()
    }
    setProcess(all, scraped)
    if (!isLeading()) return
    const find = poolFinder([...sources.pools.all().values()])
    setTallies(all, tallyIPAM(sources.blocks.all().values(), find), sources.nodes.all().keys())
    setUsage(all, sources)
    setServices(all, sources)
  }
}
