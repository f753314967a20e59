/**
 * The loop of garbage collection: what the caches show is suspected; what has been suspected for the
 * grace time is validated and given back, so many addresses in one run. In a dry run it only says
 * what it would do.
 */

import { trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import type { ControllerContext } from '../context.ts'
import { collectGarbage } from '../decisions/collect-garbage.ts'
import type { GarbagePlan, SeenAllocation } from '../decisions/garbage-model.ts'
import { noPool, unknownNode } from '../decisions/ipam-tally.ts'
import { poolFinder } from '../decisions/pool-usage.ts'
import { reasonOf } from '../log.ts'
import type { CreateReconciler } from '../reconcilers.ts'
import { type Acting, cleanNode, deleteHandle, disown, parkGone, releaseLeaks } from './act.ts'
import { gather } from './gather.ts'

const periodMsMin = 200
const periodMsMax = 60_000

/** Name of the pool that an address is of. */
const poolNameOf = ({ sources }: Pick<ControllerContext, 'sources'>) => {
  const find = poolFinder([...sources.pools.all().values()])
  return (ip: string): string =>
    find(trustedCIDR(`${ip}/${ip.includes(':') ? 128 : 32}`))?.name ?? noPool
}

const showCandidates = (
  context: ControllerContext,
  candidates: ReadonlyArray<SeenAllocation>,
): void => {
  const { gcCandidates } = context.metrics
  const poolOf = poolNameOf(context)
  gcCandidates.reset()
  for (const { ip, attributes } of candidates) {
    gcCandidates.inc({ ippool: poolOf(ip), node: attributes.node ?? unknownNode })
  }
}

type Fields = Readonly<Record<string, string>>
type Leak = GarbagePlan['release'][number]

/** Something to do: `size` addresses at most are given back by it. */
interface Task {
  readonly what: string
  readonly size: number
  /** One line of the log for each thing that is meant. */
  readonly lines: ReadonlyArray<Fields>
  /** Resolves to the lines that came true. */
  readonly run: (acting: Acting) => Promise<ReadonlyArray<Fields>>
}

/** So many handles are validated side by side and released in one request. */
const leaksPerTask = 32

const leakLine = ({ handleID, allocations }: Leak): Fields => ({
  handle: handleID,
  ips: allocations.map(({ ip }) => ip).join(','),
})

const inPortions = <A>(all: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
    all.slice(at * size, (at + 1) * size),
  )

const releaseTask = (
  { metrics, log, sources }: ControllerContext,
  leaks: ReadonlyArray<Leak>,
): Task => ({
  what: 'Released a leaked handle',
  size: leaks.reduce((sum, { allocations }) => sum + allocations.length, 0),
  lines: leaks.map(leakLine),
  run: async (acting) => {
    const poolOf = poolNameOf({ sources })
    const released = await releaseLeaks(acting, leaks, (leak, thrown) => {
      log.warning('Whether a handle is leaked cannot be told', {
        ...{ ...leakLine(leak), reason: reasonOf(thrown) },
      })
    })
    for (const { ip, attributes } of released) {
      metrics.gcReclamations.inc({ ippool: poolOf(ip), node: attributes.node ?? unknownNode })
    }
    const handles = new Set(released.map(({ handleID }) => handleID))
    return leaks.filter(({ handleID }) => handles.has(handleID)).map(leakLine)
  },
})

const single = (what: string, fields: Fields, run: (acting: Acting) => Promise<boolean>): Task => ({
  ...{ what, size: 1, lines: [fields] },
  run: async (acting) => ((await run(acting)) ? [fields] : []),
})

const tasksOf = (context: ControllerContext, plan: GarbagePlan): ReadonlyArray<Task> => {
  const { metrics } = context
  const releases = inPortions(plan.release, leaksPerTask).map((leaks) =>
    releaseTask(context, leaks),
  )
  const parks = plan.park.map((gone) => {
    const fields = { identity: gone.identity, holder: gone.holderID }
    return single('Parked fixed addresses whose holder is gone', fields, async (acting) => {
      const isParked = await parkGone(acting, gone)
      if (isParked) metrics.fixedParked.inc(gone.allocations.length)
      return isParked
    })
  })
  const nodes = plan.cleanNodes.map((node) =>
    single('Took the blocks of a node that is gone', { node }, (acting) => cleanNode(acting, node)),
  )
  const handles = plan.deleteHandles.map((handle) =>
    single('Deleted a handle that owns nothing', { handle: handle.handleID }, async (acting) => {
      const isDeleted = await deleteHandle(acting, handle)
      if (isDeleted) metrics.handlesDeleted.inc()
      return isDeleted
    }),
  )
  const recounts = plan.recount.map(({ handleID, revision }) =>
    single('Counted again what a handle owns', { handle: handleID }, ({ context: { ipam } }) =>
      ipam.recountHandle({ handleID, revision }),
    ),
  )
  const blocks = plan.disown.map(({ cidr, affinity }) =>
    single('Took a block from an owner without affinity', { cidr, owner: affinity }, () =>
      disown(context, cidr),
    ),
  )
  return [...parks, ...releases, ...nodes, ...blocks, ...handles, ...recounts]
}

/** As many as one run may do; one that fails does not keep the others. */
const perform = async (
  acting: Acting,
  tasks: ReadonlyArray<Task>,
  cancellation: Cancellation,
): Promise<void> => {
  const { log, settings } = acting.context
  let left = settings.releasesPerRunMax
  for (const { what, size, lines, run } of tasks) {
    if (cancellation.aborted || left <= 0) return
    left -= size
    if (settings.isCollectionDry) {
      for (const fields of lines) log.info(`Dry run: ${what}`, fields)
      continue
    }
    try {
      for (const fields of await run(acting)) log.info(what, fields)
    } catch (thrown) {
      log.warning('Garbage that could not be collected', { what, reason: reasonOf(thrown) })
    }
  }
}

/** Upstream's gate: while a migration has closed the datastore, nothing is collected. */
const isReady = async ({ datastore }: ControllerContext): Promise<boolean> => {
  const read = await datastore.read([{ get: { kind: 'ClusterInformation' } }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  return read.right[0]?.value.datastoreReady !== false
}

const collectCold = async ({ sources, settings, ipam, log }: ControllerContext): Promise<void> => {
  if (settings.isCollectionDry) return
  if (![...sources.blocks.all().values()].some(({ cooling }) => cooling.length > 0)) return
  const freed = await ipam.garbageCollectColdIPs()
  if (freed.length > 0) log.info('Freed addresses that had cooled down', { count: freed.length })
}

export const createGarbageReconciler: CreateReconciler = (context) => {
  const { sources, settings, clock } = context
  const { pods, nodes, blocks, handles, affinities, pools, calicoNodes } = sources
  const needed = [pods, nodes, blocks, handles, affinities, pools]
  const graceMs = settings.leakGraceMs
  let suspected: GarbagePlan['suspected'] = new Map()
  let term: Cancellation | undefined
  return {
    name: 'garbage',
    periodMs: Math.min(periodMsMax, Math.max(periodMsMin, graceMs / 2)),
    needs: calicoNodes === undefined ? needed : [...needed, calicoNodes],
    reconcile: async (cancellation) => {
      // What was suspected in an earlier term was not watched in between.
      if (term !== cancellation) suspected = new Map()
      term = cancellation
      if (!(await isReady(context))) return
      const { situation, calico } = gather(sources)
      const plan = collectGarbage({
        ...{ ...situation, suspected, graceMs },
        nowMs: clock.monotonicMs(),
      })
      suspected = plan.suspected
      showCandidates(context, plan.candidates)
      await perform({ context, calico }, tasksOf(context, plan), cancellation)
      if (!cancellation.aborted) await collectCold(context)
    },
  }
}
