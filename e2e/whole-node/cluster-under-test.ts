/**
 * A whole cluster of one node: the real control plane, kubelet and containerd in a network
 * namespace, our executables as its CNI plugin, signed in as the service account of our own RBAC
 * manifest and allowed no more than that. Addresses are kept on the Kubernetes API, or in an etcd
 * of Calico's own beside it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { createLAN, type LAN } from '@hc-calico/cluster/lan'
import { type KubernetesNode, startNode } from '@hc-calico/cluster/node'
import { waitUntil } from '@hc-calico/cluster/process'
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import type { Datastore, Write } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'
import { executables } from '../node-under-test.ts'

const packages = join(import.meta.dirname, '../../packages')
const crds = join(packages, 'crd-types/manifests')
const rbac = join(packages, 'cni-plugin/manifests/rbac.yaml')

export type DatastoreType = 'kubernetes' | 'etcdv3'

export interface PodAddress {
  readonly pod: string
  readonly ip: string
}

const pool = {
  name: 'pods',
  cidr: '10.67.0.0/24',
  blockSize: 28,
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
}

const create = (key: object, value: object): Write => ({ op: 'create', key, value }) as Write

export class ClusterUnderTest {
  readonly lan: LAN
  readonly kubernetes: Kubernetes
  readonly datastore: Datastore
  readonly node: KubernetesNode
  readonly #etcd: Etcd | undefined

  constructor(parts: {
    lan: LAN
    kubernetes: Kubernetes
    datastore: Datastore
    node: KubernetesNode
    etcd: Etcd | undefined
  }) {
    this.lan = parts.lan
    this.kubernetes = parts.kubernetes
    this.datastore = parts.datastore
    this.node = parts.node
    this.#etcd = parts.etcd
  }

  /** What `kubectl get pods -o wide` shows of the pods that run. */
  async running(): Promise<ReadonlyArray<PodAddress>> {
    const shown = await this.kubernetes.kubectl(['get', 'pods', '-o', 'wide', '--no-headers'])
    return shown
      .split('\n')
      .filter((line) => line.includes(' Running '))
      .map((line) => line.split(/\s{2,}|\s/).filter(Boolean))
      .map((cells) => ({
        pod: cells[0] ?? '',
        ip: cells.find((cell) => cell.startsWith('10.67.')) ?? '',
      }))
      .toSorted((a, b) => (a.pod < b.pod ? -1 : 1))
  }

  async pods(count: number): Promise<ReadonlyArray<PodAddress>> {
    const wait = { what: `${count} pods run`, timeoutMs: 120_000, intervalMs: 300 }
    return waitUntil(wait, async () => {
      const names = await this.kubernetes.kubectl(['get', 'pods', '-o', 'name'])
      const found = await this.running()
      return names.split('\n').filter(Boolean).length === count && found.length === count && found
    })
  }

  /** Every allocation: the pod it names and its address. */
  async allocated(): Promise<ReadonlyArray<PodAddress>> {
    const read = await this.datastore.read([{ list: 'Block' }])()
    if (read._tag === 'Left') throw new Error(read.left.message)
    const [blocks] = read.right
    return blocks
      .flatMap(({ value }) =>
        value.allocations.flatMap((index, ordinal) => {
          const pod = index === null ? undefined : value.attributes[index]?.secondary?.pod
          return pod === undefined ? [] : [{ pod, ip: addressAt(value.cidr, ordinal) }]
        }),
      )
      .toSorted((a, b) => (a.pod < b.pod ? -1 : 1))
  }

  async handles(): Promise<number> {
    const read = await this.datastore.read([{ list: 'Handle' }])()
    if (read._tag === 'Left') throw new Error(read.left.message)
    return read.right[0].length
  }

  async stop(): Promise<void> {
    await this.node.stop()
    await this.datastore.close()
    await this.kubernetes.stop()
    await this.#etcd?.stop()
    await this.lan.remove()
  }
}

/** IPv4; a block here lies within one last octet. */
const addressAt = (cidr: string, ordinal: number): string => {
  const [base = ''] = cidr.split('/')
  const octets = base.split('.').map(Number)
  return [...octets.slice(0, 3), (octets[3] ?? 0) + ordinal].join('.')
}

/** A kubeconfig with a token of the plugin's service account, as an installer writes it. */
const pluginKubeconfig = async (kubernetes: Kubernetes, file: string): Promise<void> => {
  await kubernetes.kubectl(['apply', '-f', rbac])
  const account = ['-n', 'kube-system', 'hc-calico-cni']
  const token = await kubernetes.kubectl(['create', 'token', ...account])
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: local',
    `  cluster: { server: "${kubernetes.url}", certificate-authority: "${kubernetes.caFile}" }`,
    'users:',
    `- { name: calico, user: { token: "${token.trim()}" } }`,
    'contexts:',
    '- { name: calico-context, context: { cluster: local, user: calico } }',
    'current-context: calico-context',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
}

const conflist = (directory: string, etcd: Etcd | undefined): object => ({
  cniVersion: '1.0.0',
  name: 'k8s-pod-network',
  plugins: [
    {
      type: 'hc-calico',
      ...(etcd === undefined
        ? { datastore_type: 'kubernetes' }
        : { datastore_type: 'etcdv3', etcd_endpoints: etcd.endpoint }),
      nodename: 'node-1',
      nodename_file_optional: true,
      ipam_lock_file: join(directory, 'ipam.lock'),
      log_file_path: join(directory, 'cni.log'),
      ipam: { type: 'hc-calico-ipam' },
      policy: { type: 'k8s' },
      kubernetes: { kubeconfig: join(directory, 'calico-kubeconfig') },
    },
    { type: 'portmap', snat: true, capabilities: { portMappings: true } },
  ],
})

const opened = async (kubernetes: Kubernetes, etcd: Etcd | undefined): Promise<Datastore> => {
  if (etcd !== undefined) return createLeanEtcdDatastore({ endpoints: [etcd.endpoint] })
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  return createKubernetesDatastore({ client })
}

const openDatastore = async (
  kubernetes: Kubernetes,
  etcd: Etcd | undefined,
): Promise<Datastore> => {
  const datastore = await opened(kubernetes, etcd)
  const node = create({ kind: 'Node', name: 'node-1' }, { name: 'node-1', labels: {} })
  const writes = [
    // On the Kubernetes API the node is the kubelet's.
    ...(etcd === undefined ? [] : [node]),
    create({ kind: 'IPPool', name: pool.name }, pool),
    create({ kind: 'ClusterInformation' }, { datastoreReady: true }),
  ]
  for (const write of writes) {
    const done = await datastore.commit([write])()
    if (done._tag === 'Left') throw new Error(done.left.error.message)
  }
  return datastore
}

export const startCluster = async (
  directory: string,
  type: DatastoreType,
): Promise<ClusterUnderTest> => {
  const lan = await createLAN('whole')
  const kubernetes = await startKubernetes({
    address: lan.hostAddress,
    controllerManager: true,
    scheduler: true,
    crds: [crds],
  })
  const etcd = type === 'etcdv3' ? await startEtcd({ address: lan.hostAddress }) : undefined
  const datastore = await openDatastore(kubernetes, etcd)
  await pluginKubeconfig(kubernetes, join(directory, 'calico-kubeconfig'))
  const node = await startNode({
    ...{ kubernetes, lan, number: 1, name: 'node-1', plugins: [executables] },
    network: conflist(directory, etcd),
  })
  return new ClusterUnderTest({ lan, kubernetes, datastore, node, etcd })
}
