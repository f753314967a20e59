/**
 * A real API server (and, where blocks live in etcd, an etcd of their own), and controllers on it
 * that are in a hurry. One lab per test file; everything is gone after `stop`.
 */
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import type { Datastore, Write } from '@hc-calico/ipam-core/ports'
import { createKubeClient, type KubeClient, type Method } from '@hc-calico/kube-client'
import { createLog } from '../../src/log.ts'
import type { CreateReconciler } from '../../src/reconcilers.ts'
import { type Controller, startController } from '../../src/run.ts'
import { type ControllerSettings, defaultSettings } from '../../src/settings.ts'

export { poolNamed } from './pool-named.ts'

export type DatastoreType = 'kubernetes' | 'etcdv3'
export const datastoreTypes: ReadonlyArray<DatastoreType> = ['kubernetes', 'etcdv3']

/** In a hurry: a lease of 2 s, pauses of milliseconds, no grace. */
export const hastySettings: ControllerSettings = {
  ...defaultSettings,
  leakGraceMs: 200,
  retentionGraceMs: 200,
  election: { leaseDurationMs: 2_000, renewDeadlineMs: 1_500, retryPeriodMs: 200 },
  pace: { ...defaultSettings.pace, retryMsMin: 50, retryMsMax: 500, unservedMs: 300 },
}

export interface LabControllerOptions {
  readonly identity?: string
  readonly settings?: Partial<ControllerSettings>
  readonly reconcilers?: ReadonlyArray<CreateReconciler>
  /** Instead of the lab's administrator. */
  readonly client?: KubeClient
}

export interface ControllerLab {
  readonly kubernetes: Kubernetes
  readonly datastoreType: DatastoreType
  readonly client: KubeClient
  readonly datastore: Datastore
  /** Of the etcd with the blocks; undefined on the Kubernetes datastore. */
  readonly etcd: Etcd | undefined
  /** Parsed answer; throws on any status that is not in `fine` (default: below 300). */
  api(method: Method, path: string, body?: object, fine?: ReadonlyArray<number>): Promise<unknown>
  /** Writes that must succeed. */
  write(...writes: ReadonlyArray<Write>): Promise<void>
  /** A controller in this process; stopped with the lab at latest. */
  controller(options?: LabControllerOptions): Promise<Controller>
  stop(): Promise<void>
}

const manifests = 'packages/crd-types/manifests'

/** For tests that want to see what controllers say: HC_TEST_LOG=1. */
const log = createLog(process.env.HC_TEST_LOG === undefined ? 'error' : 'debug', (line) => {
  if (process.env.HC_TEST_LOG !== undefined) process.stderr.write(line)
})

const apiOf =
  (client: KubeClient): ControllerLab['api'] =>
  async (method, path, body, fine = []) => {
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    const patch = method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {}
    const answer = await client.request({ method, path, ...text, ...patch })
    if (answer.status < 300 || fine.includes(answer.status)) return JSON.parse(answer.text)
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  }

export const startControllerLab = async (
  datastoreType: DatastoreType,
  { controllerManager = false } = {},
): Promise<ControllerLab> => {
  const kubernetes = await startKubernetes({ crds: [manifests], controllerManager })
  const etcd = datastoreType === 'etcdv3' ? await startEtcd() : undefined
  const { kubeconfig } = kubernetes
  const client = await createKubeClient({ kubeconfig })
  const datastore =
    etcd === undefined
      ? createKubernetesDatastore({ client: await createKubeClient({ kubeconfig }) })
      : await createEtcdDatastore({ endpoints: [etcd.endpoint] })
  const running: Controller[] = []
  return {
    ...{ kubernetes, datastoreType, client, datastore, etcd },
    api: apiOf(client),
    write: async (...writes) => {
      const done = await datastore.commit(writes)()
      if (done._tag === 'Left') throw new Error(done.left.error.message)
    },
    controller: async (options = {}) => {
      const controller = await startController({
        ...{ datastore, datastoreType, log, listen: { host: '127.0.0.1', port: 0 } },
        client: options.client ?? client,
        identity: options.identity ?? `test_${running.length}`,
        settings: { ...hastySettings, ...options.settings },
        ...(options.reconcilers === undefined ? {} : { reconcilers: options.reconcilers }),
      })
      running.push(controller)
      return controller
    },
    stop: async () => {
      await Promise.all(running.map((one) => one.stop()))
      await datastore.close()
      await client.close()
      await etcd?.stop()
      await kubernetes.stop()
    },
  }
}
