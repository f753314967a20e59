/**
 * A whole cluster: the real control plane, and nodes, each with kubelet and containerd in a network
 * namespace of its own, our executables as their CNI plugin, signed in as the service account of our own RBAC
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
import { type LabPool, poolValue } from '../../packages/cni-plugin/test/lab/lab-datastore.ts'
import { executables } from '../node-under-test.ts'
import { type ControllerProcess, startControllerProcess } from './controller-process.ts'
import { controllerRights } from './manifests.ts'

const packages = join(import.meta.dirname, '../../packages')
const crds = join(packages, 'crd-types/manifests')
const rbac = join(packages, 'cni-plugin/manifests/rbac.yaml')

export type DatastoreType = 'kubernetes' | 'etcdv3'

export interface PodAddress {
  readonly pod: string
  readonly ip: string
}

export interface ClusterOptions {
  /** `node-1` and so on; default 1. */
  readonly nodes?: number
  /** Default: one of IPv4. */
  readonly pools?: ReadonlyArray<LabPool>
  /** Default: IPv4 only. */
  readonly isDual?: boolean
  /** Whether our controller runs beside the control plane; default: not. */
  readonly hasController?: boolean
}

const defaultPools: ReadonlyArray<LabPool> = [{ name: 'pods', cidr: '10.67.0.0/24', blockSize: 28 }]

const create = (key: object, value: object): Write => ({ op: 'create', key, value }) as Write

export class ClusterUnderTest {
  readonly lan: LAN
  readonly kubernetes: Kubernetes
  readonly datastore: Datastore
  readonly nodes: ReadonlyArray<KubernetesNode>
  readonly #etcd: Etcd | undefined
  readonly #controller: ControllerProcess | undefined

  constructor(parts: {
    lan: LAN
    kubernetes: Kubernetes
    datastore: Datastore
    nodes: ReadonlyArray<KubernetesNode>
    etcd: Etcd | undefined
    controller: ControllerProcess | undefined
  }) {
    this.lan = parts.lan
    this.kubernetes = parts.kubernetes
    this.datastore = parts.datastore
    this.nodes = parts.nodes
    this.#etcd = parts.etcd
    this.#controller = parts.controller
  }

  /** The first one. */
  get node(): KubernetesNode {
    return this.nodes[0] as KubernetesNode
  }

  nodeNamed(name: string): KubernetesNode {
    const found = this.nodes.find((node) => node.name === name)
    if (found === undefined) throw new Error(`there is no node ${name}`)
    return found
  }

  /** kill -9 of every process of the cluster at once, and everything started again. */
  async cutPower(): Promise<void> {
    await Promise.all([
      this.kubernetes.cutPower(),
      this.#etcd?.kill(),
      this.#controller?.kill(),
      ...this.nodes.map((node) => node.cutPower()),
    ])
    await this.#etcd?.start()
    await this.kubernetes.start()
    await Promise.all(this.nodes.map((node) => node.start()))
    await Promise.all(this.nodes.map((node) => node.waitUntilReady()))
    await this.#controller?.start()
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
    await this.#controller?.kill()
    await Promise.all(this.nodes.map((node) => node.stop()))
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

/** A kubeconfig with a token of a service account, as an installer writes it. */
const accountKubeconfig = async (
  kubernetes: Kubernetes,
  account: string,
  file: string,
): Promise<void> => {
  const token = await kubernetes.kubectl(['create', 'token', '-n', 'kube-system', account])
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

/** What the plugin wrote on a node. */
export const logOf = (directory: string, node: string): string => join(directory, `${node}.log`)

interface Installed {
  readonly directory: string
  readonly etcd: Etcd | undefined
  readonly isDual: boolean
}

const conflist = ({ directory, etcd, isDual }: Installed, node: string): object => ({
  cniVersion: '1.0.0',
  name: 'k8s-pod-network',
  plugins: [
    {
      type: 'hc-calico',
      ...(etcd === undefined
        ? { datastore_type: 'kubernetes' }
        : { datastore_type: 'etcdv3', etcd_endpoints: etcd.endpoint }),
      nodename: node,
      nodename_file_optional: true,
      ipam_lock_file: join(directory, `${node}.lock`),
      log_level: 'debug',
      log_file_path: logOf(directory, node),
      ipam: { type: 'hc-calico-ipam', assign_ipv6: String(isDual) },
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
  { nodes = 1, pools = defaultPools }: ClusterOptions,
): Promise<Datastore> => {
  const datastore = await opened(kubernetes, etcd)
  const names = Array.from({ length: nodes }, (_, n) => `node-${n + 1}`)
  const made = names.map((name) => create({ kind: 'Node', name }, { name, labels: {} }))
  const writes = [
    // On the Kubernetes API nodes are the kubelets'.
    ...(etcd === undefined ? [] : made),
    ...pools.map((pool) => create({ kind: 'IPPool', name: pool.name }, poolValue(pool))),
    create({ kind: 'ClusterInformation' }, { datastoreReady: true }),
  ]
  for (const write of writes) {
    const done = await datastore.commit([write])()
    if (done._tag === 'Left') throw new Error(done.left.error.message)
  }
  return datastore
}

/** It may do what its own role says, and no more. */
const controllerOf = async (
  kubernetes: Kubernetes,
  etcd: Etcd | undefined,
  directory: string,
): Promise<ControllerProcess> => {
  await kubernetes.apply(...controllerRights())
  const kubeconfig = join(directory, 'controller-kubeconfig')
  await accountKubeconfig(kubernetes, 'hc-calico-controller', kubeconfig)
  return startControllerProcess({ kubeconfig, etcd, directory })
}

export const startCluster = async (
  directory: string,
  type: DatastoreType,
  options: ClusterOptions = {},
): Promise<ClusterUnderTest> => {
  const lan = await createLAN('whole')
  const kubernetes = await startKubernetes({
    address: lan.hostAddress,
    controllerManager: true,
    scheduler: true,
    crds: [crds],
  })
  const etcd = type === 'etcdv3' ? await startEtcd({ address: lan.hostAddress }) : undefined
  const datastore = await openDatastore(kubernetes, etcd, options)
  await kubernetes.kubectl(['apply', '-f', rbac])
  await accountKubeconfig(kubernetes, 'hc-calico-cni', join(directory, 'calico-kubeconfig'))
  const controller = options.hasController
    ? await controllerOf(kubernetes, etcd, directory)
    : undefined
  const installed = { directory, etcd, isDual: options.isDual ?? false }
  const start = (number: number): Promise<KubernetesNode> => {
    const name = `node-${number}`
    const network = conflist(installed, name)
    return startNode({ kubernetes, lan, number, name, network, plugins: [executables] })
  }
  const numbers = Array.from({ length: options.nodes ?? 1 }, (_, n) => n + 1)
  const nodes = await Promise.all(numbers.map(start))
  return new ClusterUnderTest({ lan, kubernetes, datastore, nodes, etcd, controller })
}
