/**
 * The loop that keeps the status of every ServiceIPPool. It is written only when it differs, and
 * where only counts moved not at every chance (decisions/status-writes.ts).
 */
import { isDeepStrictEqual } from 'node:util'
import type { ServiceIPPoolStatus } from '@hc-calico/crd-types/harmonycloud'
import type { ControllerContext } from '../context.ts'
import { heldAddresses } from '../decisions/held-addresses.ts'
import { serviceNews } from '../decisions/service-news.ts'
import { noneHeld, serviceStatus } from '../decisions/service-status.ts'
import {
  type CountBudget,
  defaultCountLimits,
  fullBudget,
  type StatusWrite,
  statusWrites,
} from '../decisions/status-writes.ts'
import { blocksInPools, currentUsage } from '../pools/usage.ts'
import type { Reconciler } from '../reconciler.ts'
import { type ServicePoolFacts, servicePoolsPath } from '../sources/service-pools.ts'
import { PodServices } from './naming.ts'

/** Counts that had to wait get their turn at latest then. */
const periodMs = 10_000
/** Writes under way at once. */
const parallel = 8

const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** What is more than counts. */
const shapeOf = ({ observedGeneration, members = [], conditions = [] }: ServiceIPPoolStatus) => ({
  observedGeneration,
  members: members.map(({ name, state, reason }) => ({ name, state, reason })),
  conditions: conditions.map(({ type, status, reason }) => ({ type, status, reason })),
})

const pathOf = ({ namespace, name }: ServicePoolFacts): string => {
  const [root, kind] = [servicePoolsPath.replace(/\/[^/]+$/, ''), 'serviceippools']
  return `${root}/namespaces/${namespace}/${kind}/${name}/status`
}

const storedStatus = (facts: ServicePoolFacts | undefined): ServiceIPPoolStatus | undefined =>
  facts === undefined || typeof facts.pool === 'string' ? undefined : facts.pool.status

class ServiceStatusLoop {
  readonly #context: ControllerContext
  readonly #naming: PodServices
  readonly #writtenMs = new Map<string, number>()
  #budget: CountBudget

  constructor(context: ControllerContext) {
    this.#context = context
    this.#budget = fullBudget(context.clock.monotonicMs(), defaultCountLimits)
    this.#naming = new PodServices(context.sources, context.settings.servicePoolNamespace)
  }

  async reconcile(isCancelled: () => boolean): Promise<void> {
    const { servicePools } = this.#context.sources
    for (const key of this.#writtenMs.keys()) {
      if (servicePools.get(key) === undefined) this.#writtenMs.delete(key)
    }
    if (servicePools.size === 0) return
    const due = this.#due(new Map(this.#wantedStatuses()))
    const next = due[Symbol.iterator]()
    const work = async (): Promise<void> => {
      for (const [facts, status] of next) {
        if (isCancelled()) return
        await this.#write(facts, status)
      }
    }
    await Promise.all(Array.from({ length: parallel }, work))
  }

  /** Those that differ from what is stored and whose turn it is, in order. */
  #due(
    wanted: ReadonlyMap<string, ServiceIPPoolStatus>,
  ): ReadonlyArray<readonly [ServicePoolFacts, ServiceIPPoolStatus]> {
    const { sources, clock } = this.#context
    const writes = [...wanted].flatMap(([key, status]): ReadonlyArray<StatusWrite> => {
      const before = storedStatus(sources.servicePools.get(key))
      if (before !== undefined && isDeepStrictEqual(before, status)) return []
      const isNews = before === undefined || !isDeepStrictEqual(shapeOf(before), shapeOf(status))
      return [{ key, isNews, writtenMs: this.#writtenMs.get(key) }]
    })
    const { keys, budget } = statusWrites(writes, this.#budget, clock.monotonicMs())
    this.#budget = budget
    return keys.flatMap((key) => {
      const [facts, status] = [sources.servicePools.get(key), wanted.get(key)]
      return facts === undefined || status === undefined ? [] : [[facts, status] as const]
    })
  }

  /** All at one moment: nothing is awaited in between. */
  #wantedStatuses(): ReadonlyArray<readonly [string, ServiceIPPoolStatus]> {
    const { sources, clock } = this.#context
    const usage = currentUsage(sources)
    const held = heldAddresses(blocksInPools(sources), this.#naming)
    const overriding = this.#naming.overriding()
    const now = instant(clock.wallMs())
    return [...sources.servicePools.all()].flatMap(([key, { pool: service, generation }]) => {
      if (typeof service === 'string') return []
      const holds = {
        ...(held.get(key) ?? noneHeld),
        overriding: overriding.get(key) ?? 0,
      }
      const pools = sources.pools.all()
      const status = serviceStatus({ service, generation, pools, usage, held: holds, now })
      return [[key, status] as const]
    })
  }

  async #write(facts: ServicePoolFacts, status: ServiceIPPoolStatus): Promise<void> {
    const { client, clock } = this.#context
    const key = `${facts.namespace}/${facts.name}`
    const metadata = { resourceVersion: facts.resourceVersion }
    const response = await client.request({
      method: 'PATCH',
      path: pathOf(facts),
      contentType: 'application/merge-patch+json',
      body: JSON.stringify({ metadata, status }),
    })
    // Changed or gone meanwhile: its cache will hear of it, and this loop with it.
    if (response.status === 409 || response.status === 404) return
    if (response.status >= 300) {
      throw new Error(`the status of ${key} was refused: ${response.status} ${response.text}`)
    }
    this.#writtenMs.set(key, clock.monotonicMs())
    this.#tell(facts, storedStatus(facts), status)
  }

  #tell(
    { namespace, name, uid }: ServicePoolFacts,
    before: ServiceIPPoolStatus | undefined,
    after: ServiceIPPoolStatus,
  ): void {
    const regarding = {
      ...{ apiVersion: 'harmonycloud.cn/v1alpha1', kind: 'ServiceIPPool' },
      ...{ namespace, name, uid },
    }
    for (const news of serviceNews(before, after))
      this.#context.events.record({ regarding, ...news })
  }
}

export const createServiceStatus = (context: ControllerContext): Reconciler => {
  const { servicePools, pools, reservations, blocks, pods, statefulSets, kruiseSets } =
    context.sources
  const loop = new ServiceStatusLoop(context)
  return {
    name: 'service-status',
    periodMs,
    needs: [servicePools, pools, reservations, blocks, pods, statefulSets, kruiseSets],
    triggers: [servicePools, pools, reservations, blocks],
    reconcile: (cancellation) => loop.reconcile(() => cancellation.aborted),
  }
}
