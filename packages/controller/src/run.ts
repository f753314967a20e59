/**
 * The controller as a running thing: sources are kept by every replica, so that one that takes over
 * knows the cluster already; loops run in the one that leads.
 */
import { createIPAM } from '@hc-calico/ipam-core'
import type { Cancellation, Datastore } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client'
import { collectDefaultMetrics } from 'prom-client'
import { type ControllerClock, machineClock } from './clock.ts'
import type { ControllerContext } from './context.ts'
import { electionLimitsFault } from './decisions/leader-election.ts'
import { createEventRecorder } from './events.ts'
import { fencedClient, fencedDatastore } from './fence.ts'
import { createHealth } from './health.ts'
import { type HTTPEndpoint, serveHTTP } from './http.ts'
import { Leadership } from './leadership.ts'
import type { Log } from './log.ts'
import { Loop, type LoopState } from './loop.ts'
import { createMetrics } from './metrics/metrics.ts'
import { createScraped } from './metrics/scraped.ts'
import { type CreateReconciler, createReconcilers } from './reconcilers.ts'
import type { ControllerSettings } from './settings.ts'
import { allCaches, openSources, type Sources } from './sources/sources.ts'

export interface ControllerOptions {
  readonly client: KubeClient
  readonly datastore: Datastore
  readonly datastoreType: 'kubernetes' | 'etcdv3'
  /** No two processes have the same. */
  readonly identity: string
  readonly settings: ControllerSettings
  readonly log: Log
  /** Where metrics and health are served; absent: nowhere. */
  readonly listen?: { readonly host: string; readonly port: number }
  /** Tell about memory, time and the event loop, too: for a process that is ours alone. */
  readonly hasProcessMetrics?: boolean
  readonly clock?: ControllerClock
  /** Default: all. */
  readonly reconcilers?: ReadonlyArray<CreateReconciler>
}

export interface Controller {
  readonly sources: Sources
  /** Of the endpoint; undefined where nothing is served. */
  readonly port: number | undefined
  isLeading(): boolean
  /**
   * Steps under way are finished, the lease is given back, and everything ends. Neither the client
   * nor the datastore is closed.
   */
  stop(): Promise<void>
}

interface Parts {
  readonly context: ControllerContext
  readonly loops: ReadonlyArray<Loop>
}

const partsOf = (
  options: ControllerOptions,
  clock: ControllerClock,
  sources: Sources,
  isLeading: () => boolean,
): Parts => {
  const { settings, log } = options
  const client = fencedClient(options.client, isLeading)
  const datastore = fencedDatastore(options.datastore, isLeading)
  const metrics = createMetrics()
  const context: ControllerContext = {
    ...{ sources, client, datastore, metrics, clock, log, settings },
    ipam: createIPAM({ datastore }),
    events: createEventRecorder({ client, clock, log, instance: options.identity }),
  }
  const onRun: ConstructorParameters<typeof Loop>[1]['onRun'] = ({ name, tookMs, failure }) => {
    metrics.runs.inc({ loop: name, result: failure === undefined ? 'done' : 'failed' })
    metrics.runSeconds.observe({ loop: name }, tookMs / 1000)
  }
  const loops = (options.reconcilers ?? createReconcilers).map(
    (create) => new Loop(create(context), { clock, log, onRun }),
  )
  return { context, loops }
}

/** Rejects for settings that are not safe, and where the endpoint cannot be served. */
export const startController = async (options: ControllerOptions): Promise<Controller> => {
  const { client, settings, log, clock = machineClock } = options
  const fault = electionLimitsFault(settings.election)
  if (fault !== undefined) throw new Error(fault)
  const ending = new AbortController()
  const stopping = new AbortController()
  const opened = openSources({ ...options, clock, pace: settings.pace }, ending.signal)
  const { sources } = opened
  const { context, loops } = partsOf(options, clock, sources, () => leadership.isLeading())
  const term = async (cancellation: Cancellation): Promise<void> => {
    await Promise.all(loops.map((loop) => loop.run(cancellation)))
    await context.events.flush()
    // What only the leader tells is the next leader's to tell.
    context.metrics.gcCandidates.reset()
    context.metrics.poolLevel.reset()
  }
  const leadership = new Leadership({
    ...{ client, clock, log, term },
    self: options.identity,
    limits: settings.election,
    lease: { namespace: settings.namespace, name: settings.leaseName },
  })
  const states = (): ReadonlyArray<LoopState> => loops.map((loop) => loop.state())
  const health = createHealth(clock, allCaches(sources), states)
  const { registry } = context.metrics
  const isLeading = (): boolean => leadership.isLeading()
  const refresh = createScraped({ registry, sources, clock, isLeading, loops: states })
  if (options.hasProcessMetrics === true) collectDefaultMetrics({ register: registry })
  let endpoint: HTTPEndpoint | undefined
  if (options.listen !== undefined) {
    const served = { ...options.listen, health, registry, refresh }
    endpoint = await serveHTTP(served).catch((error) => {
      ending.abort()
      throw error
    })
  }
  const led = leadership.run(stopping.signal)
  return {
    sources,
    port: endpoint?.port,
    isLeading,
    stop: async () => {
      stopping.abort()
      await led
      ending.abort()
      await opened.ended
      await endpoint?.close()
    },
  }
}
