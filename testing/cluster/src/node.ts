/**
 * A whole Kubernetes node in a network namespace: kubelet and containerd, with the CNI plugins and
 * the network of the test's choice. The namespace is on a LAN, where the API server listens too:
 *
 *   const lan = await createLAN('k8s')
 *   const kubernetes = await startKubernetes({ address: lan.hostAddress, ... })
 *   const node = await startNode({ kubernetes, lan, number: 1, name: 'node-1', ... })
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OwnCgroup, ownCgroup } from './cgroup.ts'
import { type Containerd, startContainerd } from './containerd.ts'
import { makeDirectory, type OwnDirectory } from './directory.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { LAN } from './lan.ts'
import { killInNamespace } from './leftovers.ts'
import { createNamespace, enableForwarding, type NetworkNamespace } from './netns.ts'
import { type RunningProcess, startProcess, waitUntil } from './process.ts'

export interface NodeOptions {
  readonly kubernetes: Kubernetes
  readonly lan: LAN
  /** Its number in the LAN. */
  readonly number: number
  readonly name: string
  /** Directories with CNI plugins, before Debian's. */
  readonly plugins: ReadonlyArray<string>
  /** A CNI configuration list; a function of what is known only now. */
  readonly network: object | ((node: { readonly directory: string }) => object)
}

export interface KubernetesNode {
  readonly name: string
  readonly address: string
  readonly netns: NetworkNamespace
  readonly containerd: Containerd
  /** For files of the test: conflists, logs of plugins. */
  readonly directory: string
  /** kill -9 of kubelet; pods run on. */
  killKubelet(): Promise<void>
  startKubelet(): Promise<void>
  /** kill -9 of kubelet and containerd; pods run on, and nobody looks after them. */
  kill(): Promise<void>
  /** kill -9 of everything, the pods too; what a boot forgets is gone. */
  cutPower(): Promise<void>
  /** After `kill` or `cutPower`. Resolves when both run; the API server may still think otherwise. */
  start(): Promise<void>
  /** Whether the API server calls it Ready. */
  isReady(): Promise<boolean>
  waitUntilReady(): Promise<void>
  /** Ends kubelet, removes its pods and containerd, then the namespace. */
  stop(): Promise<void>
}

const readyTimeoutMs = 90_000

const configuration = (parts: {
  readonly caFile: string
  readonly socket: string
  readonly cgroup: string
  readonly directory: string
}): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: parts.caFile },
  },
  authorization: { mode: 'Webhook' },
  containerRuntimeEndpoint: `unix://${parts.socket}`,
  podLogsDir: join(parts.directory, 'pod-logs'),
  volumePluginDir: join(parts.directory, 'volume-plugins'),
  cgroupRoot: `/${parts.cgroup}`,
  // What a sandbox without its own cgroup tree, CAP_SYS_RESOURCE and swap accounting needs.
  cgroupDriver: 'cgroupfs',
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  failCgroupV1: false,
  failSwapOn: false,
  localStorageCapacityIsolation: false,
  featureGates: { KubeletInUserNamespace: true },
  // The tests' machine may be nearly full; nothing here is worth an eviction.
  evictionHard: {
    'memory.available': '1Mi',
    'nodefs.available': '1Mi',
    'imagefs.available': '1Mi',
  },
  imageGCHighThresholdPercent: 100,
  makeIPTablesUtilChains: false,
  maxPods: 200,
  readOnlyPort: 0,
})

class Node implements KubernetesNode {
  readonly name: string
  readonly address: string
  readonly netns: NetworkNamespace
  readonly containerd: Containerd
  readonly #kubernetes: Kubernetes
  readonly #directory: OwnDirectory
  readonly #cgroup: OwnCgroup
  #kubelet: RunningProcess | undefined

  constructor(parts: {
    options: NodeOptions
    address: string
    netns: NetworkNamespace
    containerd: Containerd
    directory: OwnDirectory
  }) {
    this.name = parts.options.name
    this.address = parts.address
    this.netns = parts.netns
    this.containerd = parts.containerd
    this.#kubernetes = parts.options.kubernetes
    this.#directory = parts.directory
    this.#cgroup = ownCgroup('kubelet')
  }

  get directory(): string {
    return this.#directory.path
  }

  async prepare(): Promise<void> {
    const { caFile } = this.#kubernetes
    const { socket } = this.containerd
    const { directory } = this
    const settings = { caFile, socket, cgroup: this.#cgroup.name, directory }
    writeFileSync(join(directory, 'kubelet.json'), JSON.stringify(configuration(settings)))
    const identity = await this.#kubernetes.identity(`system:node:${this.name}`, ['system:nodes'])
    this.#kubeconfig = identity.kubeconfig
  }
  #kubeconfig = ''

  async startKubelet(): Promise<void> {
    this.#kubelet = await startProcess({
      name: `kubelet of ${this.name}`,
      file: this.#kubernetes.binaries('kubelet'),
      args: [
        ...['--config', join(this.directory, 'kubelet.json'), '--kubeconfig', this.#kubeconfig],
        ...['--root-dir', join(this.directory, 'kubelet'), '--cert-dir', this.directory],
        ...['--hostname-override', this.name, '--node-ip', this.address],
      ],
      logFile: join(this.directory, 'kubelet.log'),
      netns: this.netns.path,
    })
  }

  async isReady(): Promise<boolean> {
    const path = `/api/v1/nodes/${this.name}`
    const node = JSON.parse(await this.#kubernetes.apiServer.get(path)) as {
      status: { conditions?: { type: string; status: string }[] }
    }
    const ready = node.status.conditions?.find((condition) => condition.type === 'Ready')
    return ready?.status === 'True'
  }

  async waitUntilReady(): Promise<void> {
    const needs = this.#kubelet === undefined ? [] : [this.#kubelet]
    const wait = { what: `${this.name} is ready`, timeoutMs: readyTimeoutMs, needs }
    await waitUntil({ ...wait, intervalMs: 200 }, () => this.isReady())
  }

  async killKubelet(): Promise<void> {
    await this.#kubelet?.kill()
  }

  async kill(): Promise<void> {
    await Promise.all([this.killKubelet(), this.containerd.kill()])
  }

  async cutPower(): Promise<void> {
    await this.kill()
    // The shims are in the node's namespace, what they started is in the control group.
    killInNamespace(this.netns.name)
    this.#cgroup.kill()
    this.containerd.forgetState()
  }

  async start(): Promise<void> {
    await this.containerd.start()
    await this.startKubelet()
  }

  async stop(): Promise<void> {
    await this.#kubelet?.kill()
    await this.containerd.stop()
    this.#cgroup.remove()
    await this.netns.delete()
    this.#directory.remove()
  }
}

/** Resolves when the API server calls the node Ready. */
export const startNode = async (options: NodeOptions): Promise<KubernetesNode> => {
  const directory = makeDirectory('node')
  const netns = await createNamespace(options.name)
  const address = await options.lan.attach(netns, options.number)
  await enableForwarding(netns)
  const { network, plugins } = options
  const containerd = await startContainerd({
    node: netns,
    plugins,
    network: typeof network === 'function' ? network({ directory: directory.path }) : network,
  })
  const node = new Node({ options, address, netns, containerd, directory })
  try {
    await node.prepare()
    await node.startKubelet()
    await node.waitUntilReady()
    return node
  } catch (error) {
    await node.stop()
    throw error
  }
}
