/**
 * Everything the loops look at, opened together. The datastore's adapter heals its own streams, so
 * whether its caches are alive is told by asking the datastore something small now and then.
 */

import type { Cancellation, Datastore, Kind, Values } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client'
import type { ControllerClock } from '../clock.ts'
import type { SeenHandle } from '../decisions/garbage-model.ts'
import { type Log, reasonOf } from '../log.ts'
import { type BlockFacts, blocksKind } from './blocks.ts'
import { type Cache, FilledCache } from './cache.ts'
import {
  affinitiesKind,
  type CalicoNodeFacts,
  calicoNodesKind,
  handlesKind,
  poolsKind,
  reservationsKind,
} from './datastore-kinds.ts'
import { type DatastoreKind, keepFromDatastore } from './datastore-source.ts'
import { type FixedRecordFacts, fixedRecordsResource } from './fixed-records.ts'
import { createIntern } from './interned.ts'
import {
  type KubeResource,
  keepFromKubernetes,
  type SourcePace,
  silenceMsMax,
} from './kube-source.ts'
import { type NodeFacts, nodesResource } from './nodes.ts'
import { type PodFacts, podsResource } from './pods.ts'
import { type ServicePoolFacts, servicePoolsResource } from './service-pools.ts'
import { kruiseSetsResource, type StatefulSetFacts, statefulSetsResource } from './stateful-sets.ts'

export interface Sources {
  /** From Kubernetes. Keys: `namespace/name`, nodes by name. */
  readonly pods: Cache<PodFacts>
  readonly nodes: Cache<NodeFacts>
  readonly statefulSets: Cache<StatefulSetFacts>
  /** OpenKruise's; synced and empty where its API is not served. */
  readonly kruiseSets: Cache<StatefulSetFacts>
  readonly fixedRecords: Cache<FixedRecordFacts>
  readonly servicePools: Cache<ServicePoolFacts>
  /** From the datastore. Blocks by CIDR, pools and reservations by name. */
  readonly blocks: Cache<BlockFacts>
  readonly pools: Cache<Values['IPPool']>
  readonly reservations: Cache<Values['IPReservation']>
  /** By id: revision, and how much it counts. */
  readonly handles: Cache<SeenHandle>
  readonly affinities: Cache<Values['BlockAffinity']>
  /** Calico's own nodes; absent on the Kubernetes datastore, where they are Kubernetes' nodes. */
  readonly calicoNodes?: Cache<CalicoNodeFacts>
}

export interface SourcesOptions {
  readonly client: KubeClient
  readonly datastore: Datastore
  readonly datastoreType: 'kubernetes' | 'etcdv3'
  readonly clock: ControllerClock
  readonly log: Log
  readonly pace: SourcePace
}

const contactPeriodMs = 20_000

/** Caches of the datastore count as heard of while it answers and their watches run. */
const keepContact = async (
  { datastore, clock, log }: SourcesOptions,
  caches: ReadonlyArray<FilledCache<never>>,
  cancellation: Cancellation,
): Promise<void> => {
  while (!cancellation.aborted) {
    const asked = await datastore.read([{ get: { kind: 'ClusterInformation' } }])()
    if (asked._tag === 'Right') for (const cache of caches) cache.heard(clock.monotonicMs())
    else log.warning('The datastore does not answer', { reason: reasonOf(asked.left.message) })
    await clock.sleep(contactPeriodMs, cancellation)
  }
}

/** Begins to fill all caches; they fill until cancelled. `ended` resolves some time after that. */
export const openSources = (
  options: SourcesOptions,
  cancellation: Cancellation,
): { readonly sources: Sources; readonly ended: Promise<void> } => {
  const { pace } = options
  const intern = createIntern()
  const silence = silenceMsMax(pace)
  const running: Promise<void>[] = []
  const stored: FilledCache<never>[] = []
  const fromKubernetes = <V>(name: string, resource: KubeResource<V>): Cache<V> => {
    const cache = new FilledCache<V>(name, silence)
    cache.heard(options.clock.monotonicMs())
    running.push(keepFromKubernetes(options, resource, cache, cancellation))
    return cache
  }
  const fromDatastore = <K extends Kind, V>(name: string, kind: DatastoreKind<K, V>): Cache<V> => {
    const cache = new FilledCache<V>(name, silence)
    cache.heard(options.clock.monotonicMs())
    stored.push(cache as unknown as FilledCache<never>)
    running.push(keepFromDatastore(options, kind, cache, cancellation))
    return cache
  }
  const sources: Sources = {
    pods: fromKubernetes('pods', podsResource(intern)),
    nodes: fromKubernetes('nodes', nodesResource),
    statefulSets: fromKubernetes('statefulsets', statefulSetsResource),
    kruiseSets: fromKubernetes('kruise-statefulsets', kruiseSetsResource),
    fixedRecords: fromKubernetes('fixed-records', fixedRecordsResource),
    servicePools: fromKubernetes('service-pools', servicePoolsResource),
    blocks: fromDatastore('blocks', blocksKind(intern)),
    pools: fromDatastore('pools', poolsKind),
    reservations: fromDatastore('reservations', reservationsKind),
    handles: fromDatastore('handles', handlesKind),
    affinities: fromDatastore('affinities', affinitiesKind),
    ...(options.datastoreType === 'etcdv3'
      ? { calicoNodes: fromDatastore('calico-nodes', calicoNodesKind) }
      : {}),
  }
  running.push(keepContact(options, stored, cancellation))
  return { sources, ended: Promise.all(running).then(() => undefined) }
}

/** Every cache there is, for health and metrics. */
export const allCaches = (sources: Sources): ReadonlyArray<Cache<unknown>> =>
  Object.values(sources) as ReadonlyArray<Cache<unknown>>
