/**
 * The loop that keeps the status of every ServiceIPPool. It is written only when it says something
 * new; where only counts moved, at most every ten seconds, so that a busy cluster does not become
 * a stream of writes.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ServiceIPPoolStatus } from '@hc-calico/crd-types/harmonycloud'
import type { ControllerContext } from '../context.ts'
import { heldAddresses } from '../decisions/held-addresses.ts'
import { serviceNews } from '../decisions/service-news.ts'
import { noneHeld, serviceStatus } from '../decisions/service-status.ts'
import { blocksInPools, currentUsage } from '../pools/usage.ts'
import type { Reconciler } from '../reconciler.ts'
import { type ServicePoolFacts, servicePoolsPath } from '../sources/service-pools.ts'
import { PodServices } from './naming.ts'

/** Counts alone are told at most this often. */
const countsMs = 10_000

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

class ServiceStatusLoop {
  readonly #context: ControllerContext
  readonly #naming: PodServices
  readonly #writtenMs = new Map<string, number>()

  constructor(context: ControllerContext) {
    this.#context = context
    this.#naming = new PodServices(context.sources, context.settings.servicePoolNamespace)
  }

  async reconcile(isCancelled: () => boolean): Promise<void> {
    const { sources } = this.#context
    const { servicePools } = sources
    for (const key of this.#writtenMs.keys()) {
      if (servicePools.get(key) === undefined) this.#writtenMs.delete(key)
    }
    if (servicePools.size === 0) return
    const wanted = this.#wantedStatuses()
    for (const [key, status] of wanted) {
      if (isCancelled()) return
      await this.#write(key, status)
    }
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

  async #write(key: string, status: ServiceIPPoolStatus): Promise<void> {
    const { client, clock, sources } = this.#context
    const facts = sources.servicePools.get(key)
    if (facts === undefined || typeof facts.pool === 'string') return
    const before = facts.pool.status
    if (before !== undefined && isDeepStrictEqual(before, status)) return
    const nowMs = clock.monotonicMs()
    const isNews = before === undefined || !isDeepStrictEqual(shapeOf(before), shapeOf(status))
    const lastMs = this.#writtenMs.get(key)
    if (!isNews && lastMs !== undefined && nowMs - lastMs < countsMs) return
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
    this.#writtenMs.set(key, nowMs)
    this.#tell(facts, before, status)
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
    periodMs: countsMs,
    needs: [servicePools, pools, reservations, blocks, pods, statefulSets, kruiseSets],
    triggers: [servicePools, pools, reservations, blocks],
    reconcile: (cancellation) => loop.reconcile(() => cancellation.aborted),
  }
}
