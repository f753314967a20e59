/**
 * The datastores a scenario runs on. Each says what a conflist says about it (the one line that is
 * swapped, and where it is reached), prepares what an operator would have in it, and opens it for
 * the test to look inside. Servers run once per file, on a small network that hosts join.
 */
import { join } from 'node:path'
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { type Attachable, createLAN, type LAN } from '@hc-calico/cluster/lan'
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import { type APIGroup, createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { openLocalDatastore } from '@hc-calico/datastore-local'
import type { Datastore, Kind, Write } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'

export type Fields = Readonly<Record<string, unknown>>

export interface LabPool {
  readonly name: string
  readonly cidr: string
  readonly [field: string]: unknown
}

/** What a runtime is told of a pod: its uid, where somebody has given it one. */
export interface MadePod {
  readonly uid?: string
}

export interface PodOptions {
  readonly annotations?: Readonly<Record<string, string>>
  /** Name of the StatefulSet it belongs to. */
  readonly owner?: string
  /** Default: node-1. */
  readonly node?: string
}

/** A datastore, made for one file of tests. */
export interface LabDatastore {
  readonly name: string
  /** An endpoint is the pod itself, and goes with the pod only. */
  readonly endpointsArePods: boolean
  /** The part of a conflist that chooses it. */
  fields(directory: string, pools: ReadonlyArray<LabPool>): Fields
  /** Lets a namespace reach it. */
  connect(host: Attachable): Promise<void>
  /** A pod of namespace `default` that the scheduler has put on a node. */
  createPod(name: string, options?: PodOptions): Promise<MadePod>
  deletePod(name: string): Promise<void>
  /** Whether service pools are objects there; else the configuration states them. */
  readonly hasServicePools: boolean
  setServicePool(namespace: string, name: string, spec: object): Promise<void>
  /** An object of the Kubernetes API; undefined: there is none. */
  read(path: string): Promise<unknown>
  /** Merges into an object of the Kubernetes API. */
  patch(path: string, merge: object): Promise<void>
  /** Everything goes, and the pools and the nodes are there again. */
  reset(pools: ReadonlyArray<LabPool>, nodes?: ReadonlyArray<string>): Promise<void>
  open(directory: string): Promise<Datastore>
  close(): Promise<void>
}

export const localFile = (directory: string): string => join(directory, 'datastore.sqlite')

/** One file in the lab's own directory: nothing to start, nothing to share. */
export const localDatastore: LabDatastore = {
  name: 'local',
  endpointsArePods: false,
  hasServicePools: false,
  setServicePool: async () => undefined,
  fields: (directory, pools) => ({
    datastore_type: 'local',
    local_datastore: { file: localFile(directory), ip_pools: pools },
  }),
  connect: async () => undefined,
  createPod: async () => ({}),
  deletePod: async () => undefined,
  read: async () => undefined,
  patch: () => Promise.reject(new Error('there is no Kubernetes')),
  reset: async () => undefined,
  open: (directory) => openLocalDatastore({ file: localFile(directory), ensure: [] }),
  close: async () => undefined,
}

const twoNodes = ['node-1', 'node-2']

export const poolValue = (pool: LabPool) => ({
  blockSize: pool.cidr.includes(':') ? 122 : 26,
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
  ...pool,
})

const create = (key: object, value: object): Write => ({ op: 'create', key, value }) as Write

const prepared = (pools: ReadonlyArray<LabPool>): ReadonlyArray<Write> => [
  create({ kind: 'ClusterInformation' }, { datastoreReady: true }),
  ...pools.map((pool) => create({ kind: 'IPPool', name: pool.name }, poolValue(pool))),
]

const commit = async (datastore: Datastore, writes: ReadonlyArray<Write>): Promise<void> => {
  for (const write of writes) {
    const done = await datastore.commit([write])()
    if (done._tag === 'Left') throw new Error(done.left.error.message)
  }
}

const removeAll = async (datastore: Datastore, kinds: ReadonlyArray<Kind>): Promise<void> => {
  for (const kind of kinds) {
    const listed = await datastore.read([{ list: kind } as never])()
    if (listed._tag === 'Left') throw new Error(listed.left.message)
    const [found] = listed.right as unknown as [ReadonlyArray<{ key: object; revision: string }>]
    await commit(
      datastore,
      found.map(({ key, revision }) => ({ op: 'delete', key, revision }) as Write),
    )
  }
}

const calicoKinds: ReadonlyArray<Kind> = [
  'IPPool',
  'IPReservation',
  'IPAMConfig',
  'Block',
  'BlockAffinity',
  'Handle',
  'ClusterInformation',
]

let members = 0
const nextMember = (): number => {
  members = (members % 200) + 1
  return members
}

const connectTo = async (lan: LAN, host: Attachable): Promise<void> => {
  await lan.attach(host, nextMember(), { defaultRoute: false })
}

class EtcdLab implements LabDatastore {
  readonly name = 'etcdv3'
  readonly endpointsArePods = false
  readonly hasServicePools = false
  readonly #lan: LAN
  readonly #etcd: Etcd

  constructor(lan: LAN, etcd: Etcd) {
    this.#lan = lan
    this.#etcd = etcd
  }

  fields(): Fields {
    return {
      datastore_type: 'etcdv3',
      etcd_endpoints: this.#etcd.endpoint,
      nodename_file_optional: true,
    }
  }

  connect(host: Attachable): Promise<void> {
    return connectTo(this.#lan, host)
  }

  async createPod(): Promise<MadePod> {
    return {}
  }

  async deletePod(): Promise<void> {
    // Nobody looked for it.
  }

  async setServicePool(): Promise<void> {
    // The configuration states it.
  }

  async read(): Promise<unknown> {
    return undefined
  }

  patch(): Promise<void> {
    return Promise.reject(new Error('there is no Kubernetes'))
  }

  async reset(pools: ReadonlyArray<LabPool>, nodes = twoNodes): Promise<void> {
    const datastore = await this.open()
    await removeAll(datastore, [...calicoKinds, 'Node', 'WorkloadEndpoint', 'Profile'])
    const made = nodes.map((name) => create({ kind: 'Node', name }, { name, labels: {} }))
    await commit(datastore, [...prepared(pools), ...made])
    await datastore.close()
  }

  async open(): Promise<Datastore> {
    return createLeanEtcdDatastore({ endpoints: [this.#etcd.endpoint] })
  }

  async close(): Promise<void> {
    await this.#etcd.stop()
    await this.#lan.remove()
  }
}

class KubernetesLab implements LabDatastore {
  readonly name: string
  readonly endpointsArePods = true
  readonly hasServicePools = true
  readonly #lan: LAN
  readonly #kubernetes: Kubernetes
  readonly #group: APIGroup

  constructor(lan: LAN, kubernetes: Kubernetes, group: APIGroup) {
    this.name = `kubernetes (${group})`
    this.#lan = lan
    this.#kubernetes = kubernetes
    this.#group = group
  }

  fields(): Fields {
    return {
      datastore_type: 'kubernetes',
      kubernetes: { kubeconfig: this.#kubernetes.kubeconfig },
      policy: { type: 'k8s' },
      calico_api_group: this.#group,
      nodename_file_optional: true,
    }
  }

  connect(host: Attachable): Promise<void> {
    return connectTo(this.#lan, host)
  }

  async createPod(
    name: string,
    { annotations = {}, owner, node = 'node-1' }: PodOptions = {},
  ): Promise<MadePod> {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: owner, uid: 'of-the-set' }
    const ownerReferences = owner === undefined ? [] : [set]
    const text = await this.#request('POST', '/api/v1/namespaces/default/pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations, ownerReferences },
      spec: {
        nodeName: node,
        automountServiceAccountToken: false,
        containers: [{ name: 'main', image: 'none' }],
      },
    })
    const { metadata } = JSON.parse(text) as { metadata: { uid?: string } }
    return metadata.uid === undefined ? {} : { uid: metadata.uid }
  }

  async deletePod(name: string): Promise<void> {
    await this.#request('DELETE', `/api/v1/namespaces/default/pods/${name}?gracePeriodSeconds=0`)
  }

  async setServicePool(namespace: string, name: string, spec: object): Promise<void> {
    const path = `/apis/harmonycloud.cn/v1alpha1/namespaces/${namespace}/serviceippools`
    const apiVersion = 'harmonycloud.cn/v1alpha1'
    await this.#request('DELETE', `${path}/${name}`)
    const object = { apiVersion, kind: 'ServiceIPPool', metadata: { name }, spec }
    await this.#request('POST', path, object)
  }

  async read(path: string): Promise<unknown> {
    const text = await this.#request('GET', path)
    return text === '' ? undefined : JSON.parse(text)
  }

  async patch(path: string, merge: object): Promise<void> {
    await this.#request('PATCH', path, merge)
  }

  async reset(pools: ReadonlyArray<LabPool>, nodes = twoNodes): Promise<void> {
    await this.#request('DELETE', '/api/v1/namespaces/default/pods?gracePeriodSeconds=0')
    await this.#request('DELETE', '/api/v1/namespaces/default/configmaps')
    for (const name of nodes) {
      const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } }
      await this.#request('POST', '/api/v1/nodes', node)
    }
    await this.#request('POST', '/api/v1/namespaces/default/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default' },
    })
    const datastore = await this.open()
    await removeAll(datastore, calicoKinds)
    await commit(datastore, prepared(pools))
    await datastore.close()
  }

  async open(): Promise<Datastore> {
    const client = await createLeanKubeClient({ kubeconfig: this.#kubernetes.kubeconfig })
    return createKubernetesDatastore({ client, apiGroup: this.#group })
  }

  async close(): Promise<void> {
    await this.#kubernetes.stop()
    await this.#lan.remove()
  }

  /** What exists already is as good as made. */
  async #request(
    method: 'GET' | 'POST' | 'DELETE' | 'PATCH',
    path: string,
    body?: object,
  ): Promise<string> {
    const client = await createLeanKubeClient({ kubeconfig: this.#kubernetes.kubeconfig })
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const text = body === undefined ? {} : { body: JSON.stringify(body), contentType }
    const { status, text: answer } = await client.request({ method, path, ...text })
    await client.close()
    if (status === 404 && (method === 'DELETE' || method === 'GET')) return ''
    if (status >= 300 && status !== 409) throw new Error(`${method} ${path}: ${status} ${answer}`)
    return answer
  }
}

const manifests = join(import.meta.dirname, '..', '..', '..', 'crd-types', 'manifests')

/** Every datastore, by what starts it. */
export const labDatastores: ReadonlyArray<{
  readonly name: string
  readonly start: () => Promise<LabDatastore>
}> = [
  { name: 'local', start: async () => localDatastore },
  {
    name: 'etcdv3',
    start: async () => {
      const lan = await createLAN('etcd')
      return new EtcdLab(lan, await startEtcd({ address: lan.hostAddress }))
    },
  },
  ...(['crd.projectcalico.org/v1', 'projectcalico.org/v3'] as const).map((group) => ({
    name: `kubernetes, ${group}`,
    start: async () => {
      const lan = await createLAN('kube')
      const options = { address: lan.hostAddress, crds: [manifests] }
      return new KubernetesLab(lan, await startKubernetes(options), group)
    },
  })),
]
