/**
 * The controller's loop of fixed addresses on caches that hear of things when the model says so: each
 * cache by itself, early or late. Its writes may be cut off between any two; restarted, it has
 * forgotten everything and lists anew.
 */
import { createIPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { ControllerContext } from '../../packages/controller/src/context.ts'
import { createFixedReconciler } from '../../packages/controller/src/fixed/fixed-reconciler.ts'
import { silentLog } from '../../packages/controller/src/log.ts'
import { createMetrics } from '../../packages/controller/src/metrics/metrics.ts'
import type { Reconciler } from '../../packages/controller/src/reconciler.ts'
import { defaultSettings } from '../../packages/controller/src/settings.ts'
import { type BlockFacts, blockFacts } from '../../packages/controller/src/sources/blocks.ts'
import { FilledCache } from '../../packages/controller/src/sources/cache.ts'
import {
  type FixedRecordFacts,
  fixedRecordsResource,
} from '../../packages/controller/src/sources/fixed-records.ts'
import { createIntern } from '../../packages/controller/src/sources/interned.ts'
import type { NodeFacts } from '../../packages/controller/src/sources/nodes.ts'
import { type PodFacts, podsResource } from '../../packages/controller/src/sources/pods.ts'
import type { Sources } from '../../packages/controller/src/sources/sources.ts'
import {
  type StatefulSetFacts,
  statefulSetsResource,
} from '../../packages/controller/src/sources/stateful-sets.ts'
import type { FakeKubernetes, StoredObject } from './fake-kubernetes.ts'

export const cacheNames = ['pods', 'sets', 'records', 'blocks'] as const
export type CacheName = (typeof cacheNames)[number]

/** The process died; what it had not yet written, it never will. */
class Killed extends Error {}

const retentionGraceMs = 1_000

interface Caches {
  readonly pods: FilledCache<PodFacts>
  readonly nodes: FilledCache<NodeFacts>
  readonly sets: FilledCache<StatefulSetFacts>
  readonly kruise: FilledCache<StatefulSetFacts>
  readonly records: FilledCache<FixedRecordFacts>
  readonly blocks: FilledCache<BlockFacts>
}

const intern = createIntern()

const emptyCaches = (nodes: ReadonlyArray<string>): Caches => {
  const caches = {
    pods: new FilledCache<PodFacts>('pods'),
    nodes: new FilledCache<NodeFacts>('nodes'),
    sets: new FilledCache<StatefulSetFacts>('sets'),
    kruise: new FilledCache<StatefulSetFacts>('kruise'),
    records: new FilledCache<FixedRecordFacts>('records'),
    blocks: new FilledCache<BlockFacts>('blocks'),
  }
  for (const name of nodes) caches.nodes.put(name, { name, uid: `u-${name}` })
  caches.nodes.endList()
  caches.kruise.endList()
  return caches
}

const refill = <V>(
  cache: FilledCache<V>,
  objects: ReadonlyArray<StoredObject>,
  read: (object: StoredObject) => readonly [string, V] | undefined,
): void => {
  cache.beginList()
  for (const object of objects) {
    const found = read(object)
    if (found !== undefined) cache.put(...found)
  }
  cache.endList()
}

export class ModelledController {
  readonly #kubernetes: FakeKubernetes
  readonly #datastore: Datastore
  readonly #nodes: ReadonlyArray<string>
  #caches: Caches
  #reconciler: Reconciler
  /** One for as long as the process leads: what it has seen to be absent counts that long. */
  #term = new AbortController().signal
  #nowMs = 1_000
  #writesLeft = Number.POSITIVE_INFINITY

  constructor(kubernetes: FakeKubernetes, datastore: Datastore, nodes: ReadonlyArray<string>) {
    this.#kubernetes = kubernetes
    this.#datastore = datastore
    this.#nodes = nodes
    this.#caches = emptyCaches(nodes)
    this.#reconciler = createFixedReconciler(this.#context())
  }

  /** A new process: it knows nothing, and has listed everything. */
  async restart(): Promise<void> {
    this.#caches = emptyCaches(this.#nodes)
    this.#reconciler = createFixedReconciler(this.#context())
    this.#term = new AbortController().signal
    this.#writesLeft = Number.POSITIVE_INFINITY
    for (const name of cacheNames) await this.hear(name)
  }

  /** One cache is brought up to date. */
  async hear(name: CacheName): Promise<void> {
    const { pods, sets, records, blocks } = this.#caches
    const core = '/api/v1/namespaces/default'
    switch (name) {
      case 'pods':
        return refill(pods, this.#kubernetes.list(`${core}/pods`), podsResource(intern).read)
      case 'sets': {
        const path = '/apis/apps/v1/namespaces/default/statefulsets'
        return refill(sets, this.#kubernetes.list(path), statefulSetsResource.read)
      }
      case 'records': {
        const all = this.#kubernetes.list(`${core}/configmaps`)
        const labelled = all.filter(
          ({ metadata }) => metadata.labels?.['calico-fixedIP'] === 'true',
        )
        return refill(records, labelled, fixedRecordsResource.read)
      }
      case 'blocks': {
        const read = await this.#datastore.read([{ list: 'Block' }])()
        if (read._tag === 'Left') throw new Error(read.left.message)
        blocks.beginList()
        for (const one of read.right[0]) blocks.put(one.value.cidr, blockFacts(one, intern))
        blocks.endList()
      }
    }
  }

  pass(ms: number): void {
    this.#nowMs += ms
  }

  /** One run. `writesMax`: then the process is killed, and another one starts. */
  async reconcile(writesMax?: number): Promise<void> {
    this.#writesLeft = writesMax ?? Number.POSITIVE_INFINITY
    try {
      await this.#reconciler.reconcile(this.#term)
    } catch (thrown) {
      if (!(thrown instanceof Killed)) throw thrown
    }
    if (this.#writesLeft < 0) await this.restart()
  }

  readonly #admit = (): void => {
    this.#writesLeft -= 1
    if (this.#writesLeft < 0) throw new Killed()
  }

  /** Where commits are not atomic, a process may die in the midst of one. */
  readonly #commit: Datastore['commit'] = (writes, options) => async () => {
    const isAtomic = this.#datastore.capabilities.atomicCommit === true
    const cost = isAtomic ? 1 : writes.length
    if (this.#writesLeft >= cost) {
      this.#writesLeft -= cost
      return this.#datastore.commit(writes, options)()
    }
    const last = isAtomic ? [] : writes.slice(0, Math.max(0, this.#writesLeft))
    if (last.length > 0) await this.#datastore.commit(last, options)()
    this.#writesLeft = -1
    throw new Killed()
  }

  #context(): ControllerContext {
    const { pods, nodes, sets, kruise, records, blocks } = this.#caches
    const datastore: Datastore = { ...this.#datastore, commit: this.#commit }
    const clock = {
      monotonicMs: () => this.#nowMs,
      wallMs: () => 1_785_578_400_000 + this.#nowMs,
      sleep: async (ms: number) => this.pass(ms),
    }
    const sources = {
      ...{ pods, nodes, blocks, statefulSets: sets, kruiseSets: kruise, fixedRecords: records },
    }
    return {
      // The loop of fixed addresses needs no other cache.
      sources: sources as unknown as Sources,
      client: this.#kubernetes.client(this.#admit),
      ...{ datastore, clock, log: silentLog, metrics: createMetrics() },
      ipam: createIPAM({
        datastore,
        clock: {
          now: () => BigInt(clock.wallMs()) * 1_000_000n,
          sleep: clock.sleep,
        },
      }),
      events: { record: () => undefined, flush: async () => undefined },
      settings: { ...defaultSettings, retentionGraceMs },
    }
  }
}
