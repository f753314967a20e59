/**
 * Fills a pool of 65536 addresses, one request per address, through the memory datastore, and
 * reports allocations per second; then lets one host allocate among more and more blocks of others.
 * What the core itself spends is told apart from what the datastore spends: a request touches the
 * host's own blocks only, so the core's part must not grow with the number of blocks.
 *
 *   node --conditions=hc-calico-source bench/core-allocation.ts
 */
import { createIPAM } from '@hc-calico/ipam-core'
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import type { Datastore } from '@hc-calico/ipam-core/ports'

export interface CoreAllocation {
  readonly pool: string
  readonly allocations: number
  readonly allocationsPerSecond: number
  /** Microseconds per allocation in each eighth of the run (median), datastore excluded. */
  readonly coreMicroseconds: ReadonlyArray<number>
  /** The same, spent inside the memory datastore. */
  readonly datastoreMicroseconds: ReadonlyArray<number>
  /** What the one request costs that finds the pool full, after a look at every block. */
  readonly fullPoolMilliseconds: number
}

interface Meter {
  milliseconds: number
}

/** Microseconds of one call: in the core, and in the datastore. */
interface Cost {
  readonly core: number
  readonly datastore: number
}

const costOf = async (meter: Meter, act: () => Promise<unknown>): Promise<Cost> => {
  meter.milliseconds = 0
  const started = performance.now()
  await act()
  const datastore = meter.milliseconds * 1000
  return { core: (performance.now() - started) * 1000 - datastore, datastore }
}

/** Medians: other work on the machine must not show. */
const median = (costs: ReadonlyArray<Cost>, part: keyof Cost): number =>
  Math.round(costs.map((cost) => cost[part]).sort((a, b) => a - b)[costs.length >> 1] as number)

const metered = (store: Datastore, meter: Meter): Datastore => {
  const timed =
    <A>(task: () => Promise<A>): (() => Promise<A>) =>
    async () => {
      const started = performance.now()
      const answer = await task()
      meter.milliseconds += performance.now() - started
      return answer
    }
  return {
    ...store,
    read: (queries, options) => timed(store.read(queries, options)),
    commit: (writes, options) => timed(store.commit(writes, options)),
  }
}

const prepared = async (pool: string, blockSize: number, hosts: number): Promise<Datastore> => {
  const store = createMemoryDatastore()
  const result = await store.commit([
    {
      op: 'create',
      key: { kind: 'IPPool', name: 'pool' },
      value: {
        name: 'pool',
        cidr: pool,
        blockSize,
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
      },
    },
    ...Array.from({ length: hosts }, (_, i) => {
      const name = `node-${i}`
      return { op: 'create', key: { kind: 'Node', name }, value: { name, labels: {} } } as const
    }),
  ])()
  if (result._tag === 'Left') throw new Error(result.left.error.message)
  return store
}

type IPAM = ReturnType<typeof createIPAM>

/** One address for a container of a host; how many came. */
const assign = async (ipam: IPAM, pool: string, host: string, i: number): Promise<number> => {
  const family = pool.includes(':') ? 'v6' : 'v4'
  const got = await ipam.autoAssign({
    [family === 'v4' ? 'num4' : 'num6']: 1,
    handleID: `k8s-pod-network.${i}`,
    attrs: { node: host, pod: `pod-${i}`, namespace: 'default' },
    host,
    intendedUse: 'Workload',
    maxAllocToHandlePerIPVersion: 1,
  })
  return got[family]?.ips.length ?? 0
}

/** What one allocation costs a host while so many blocks of others exist that it never touches. */
export interface CostAmongBlocks {
  readonly blocksOfOthers: number
  readonly coreMicroseconds: number
}

/** The same host, the same work, among more and more blocks of others. */
export const costAmongBlocks = async (
  blocksOfOthers: number,
  pool = '10.0.0.0/12',
  blockSize = 26,
): Promise<CostAmongBlocks> => {
  const meter: Meter = { milliseconds: 0 }
  const store = await prepared(pool, blockSize, blocksOfOthers + 1)
  const ipam = createIPAM({ datastore: metered(store, meter) })
  for (let i = 1; i <= blocksOfOthers; i += 1) await assign(ipam, pool, `node-${i}`, i)
  const costs: Cost[] = []
  for (let i = 1; i <= 640; i += 1) {
    costs.push(await costOf(meter, () => assign(ipam, pool, 'node-0', -i)))
  }
  return { blocksOfOthers, coreMicroseconds: median(costs, 'core') }
}

/** Fills the pool from 512 hosts in turn, so that each of its 1024 blocks belongs to one of them. */
export const fillPool = async (pool: string, blockSize: number): Promise<CoreAllocation> => {
  const hosts = 512
  const parts = 8
  const allocations = 65_536
  const meter: Meter = { milliseconds: 0 }
  const ipam = createIPAM({ datastore: metered(await prepared(pool, blockSize, hosts), meter) })
  const next = (i: number) => assign(ipam, pool, `node-${i % hosts}`, i)
  const core: number[] = []
  const datastore: number[] = []
  const started = performance.now()
  for (let part = 0; part < parts; part += 1) {
    const size = allocations / parts
    const costs: Cost[] = []
    for (let i = part * size; i < (part + 1) * size; i += 1) {
      costs.push(
        await costOf(meter, async () => {
          if ((await next(i)) !== 1) throw new Error(`allocation ${i} got nothing`)
        }),
      )
    }
    core.push(median(costs, 'core'))
    datastore.push(median(costs, 'datastore'))
  }
  const seconds = (performance.now() - started) / 1000
  const full = await costOf(meter, async () => {
    if ((await next(allocations)) !== 0) throw new Error('the pool is not full')
  })
  return {
    pool: `${pool}, blocks of /${blockSize}`,
    allocations,
    allocationsPerSecond: Math.round(allocations / seconds),
    coreMicroseconds: core,
    datastoreMicroseconds: datastore,
    fullPoolMilliseconds: Math.round((full.core + full.datastore) / 1000),
  }
}

/** Both families full, and one host among 0 to 8000 blocks of others. */
export const coreAllocation = async () => {
  const filled: CoreAllocation[] = []
  filled.push(await fillPool('10.0.0.0/16', 26), await fillPool('fd80:24e2:f998:72d6::/112', 122))
  const among: CostAmongBlocks[] = []
  for (const blocks of [0, 125, 500, 2000, 8000]) among.push(await costAmongBlocks(blocks))
  return { filled, among }
}

if (import.meta.main) console.dir(await coreAllocation(), { depth: 4 })
