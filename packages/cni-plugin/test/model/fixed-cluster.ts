/**
 * A small cluster for the model of FixedIP: three nodes, each a machine of its own with a kernel of
 * its own, on one memory datastore; the plugin's own commands on them; and beside it what must be
 * true, kept as plain facts: who runs where, which address every identity had first.
 */

import { type FixedState, fixedStateOf } from '@hc-calico/ipam-core'
import { addressInBlock, trustedCIDR } from '@hc-calico/ipam-core/ip'
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { KubeClient } from '@hc-calico/kube-client/lean'
import { netns, nodeWrite, pool, poolWrite, World } from '../world.ts'

export const nodeNames = ['n1', 'n2', 'n3'] as const
export type NodeName = (typeof nodeNames)[number]

/** One container of a pod, as a runtime knows it. */
export interface Container {
  readonly id: string
  readonly pod: string
  readonly node: NodeName
  readonly addresses: ReadonlyArray<string>
}

/** One allocation, as the blocks hold it. */
export interface Held {
  readonly ip: string
  readonly handle: string
  readonly state: FixedState | undefined
}

const network = 'k8s-pod-network'
/** Four blocks of IPv4 and two of IPv6, for three nodes; either family may be full alone. */
const capacity = { v4: 32, v6: 16 } as const

const seeds = [
  poolWrite(pool('10.244.0.0/27', { blockSize: 29 })),
  poolWrite(pool('fd80::/124', { blockSize: 125 })),
  ...nodeNames.map((name) => nodeWrite(name)),
]

export const fixedHandle = (pod: string): string => `hc-fixed.default.${pod}`
export const holderID = ({ id }: Container): string => `${network}.${id}`

export interface Start {
  readonly node: NodeName
  readonly pod: string
  readonly isFixed: boolean
  /** IPv4 only, or both families. */
  readonly isDual: boolean
  /** After so many writes its machine loses the datastore until the command has ended. */
  readonly writesMax?: number
}

export interface Started {
  readonly container: Container
  readonly problem?: string
}

export class FixedCluster {
  readonly #worlds: Readonly<Record<NodeName, World>>
  /** Fields of the configuration by which the Kubernetes API is asked, where there is one. */
  readonly #kubernetes: object
  #containers = 0

  constructor(worlds: Readonly<Record<NodeName, World>>, kubernetes: object) {
    this.#worlds = worlds
    this.#kubernetes = kubernetes
  }

  /** With a client of the Kubernetes API the pods of this cluster are objects there. */
  static async create(atomicCommit: boolean, client?: KubeClient): Promise<FixedCluster> {
    const datastore = createMemoryDatastore({ atomicCommit })
    const worldWith = (): World => {
      const world = new World(datastore)
      if (client !== undefined) Object.assign(world.machine, { kubeClient: async () => client })
      return world
    }
    const worlds = { n1: worldWith(), n2: worldWith(), n3: worldWith() }
    await worlds.n1.seed(seeds)
    const asked = { policy: { type: 'k8s' }, kubernetes: { kubeconfig: '/kubeconfig' } }
    return new FixedCluster(worlds, client === undefined ? {} : asked)
  }

  get datastore(): Datastore {
    return this.#worlds.n1.datastore
  }

  #conf(node: NodeName, more: object = {}): object {
    return { nodename: node, ...this.#kubernetes, ...more }
  }

  /** ADD of a new container. */
  async start(start: Start): Promise<Started> {
    const { node, pod, writesMax } = start
    this.#containers += 1
    const id = `c${this.#containers}`
    const world = this.#worlds[node]
    world.kernel.namespaces.add(netns(id))
    let left = writesMax ?? Number.POSITIVE_INFINITY
    world.failWrites = () => {
      left -= 1
      return left < 0
    }
    const { addresses, problem } = await this.#add(id, start)
    world.failWrites = () => false
    const container = { id, pod, node, addresses }
    return problem === undefined ? { container } : { container, problem }
  }

  /** The same ADD once more. */
  async replay({ id, node, pod, addresses: had }: Container): Promise<ReadonlyArray<string>> {
    const { addresses, problem } = await this.#add(id, {
      ...{ node, pod, isFixed: true, isDual: had.length === 2 },
    })
    if (problem !== undefined) throw new Error(`a replayed ADD of ${pod}: ${problem}`)
    return addresses
  }

  async #add(id: string, { node, pod, isFixed, isDual }: Start) {
    const world = this.#worlds[node]
    const annotations = isFixed ? { 'fixed.ipam.harmonycloud.cn': 'true' } : {}
    const conf = this.#conf(node, {
      ipam: { type: 'hc-calico-ipam', assign_ipv6: String(isDual) },
      runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations },
    })
    const call = { command: 'ADD', id, ns: id, args: world.pod(pod), conf }
    const { code, document } = await world.run(call)
    if (code !== 0) return { addresses: [], problem: `${document.msg} ${document.details ?? ''}` }
    const ips = document.ips as ReadonlyArray<{ readonly address: string }>
    return { addresses: ips.map(({ address }) => address.split('/')[0] ?? '') }
  }

  /** DEL: with the namespace, or as for a container whose namespace has gone. */
  async del({ node, id, pod }: Container, hasNamespace: boolean): Promise<void> {
    const world = this.#worlds[node]
    const conf = this.#conf(node)
    const ns = hasNamespace ? id : ''
    const { code, stdout } = await world.run({ command: 'DEL', id, ns, args: world.pod(pod), conf })
    if (code !== 0) throw new Error(`DEL of ${pod} (${id}) failed: ${stdout}`)
    world.kernel.namespaces.delete(netns(id))
  }

  async gc(node: NodeName, alive: ReadonlyArray<Container>): Promise<void> {
    const attachments = alive.map(({ id }) => ({ containerID: id, ifname: 'eth0' }))
    const conf = this.#conf(node, { 'cni.dev/valid-attachments': attachments })
    const { code, stdout } = await this.#worlds[node].run({ command: 'GC', conf })
    if (code !== 0) throw new Error(`GC on ${node} failed: ${stdout}`)
  }

  /** The machine was without power: its links and namespaces are gone. */
  powerCycle(node: NodeName): void {
    const { kernel } = this.#worlds[node]
    kernel.links = []
    kernel.hostRoutes.clear()
    kernel.namespaces.clear()
  }

  /** Whether its link is there, with its addresses. */
  isWired({ node, id, addresses }: Container): boolean {
    const link = this.#worlds[node].kernel.links.find((one) => one.netns === netns(id))
    return link !== undefined && link.addresses.join() === addresses.join()
  }

  async held(): Promise<ReadonlyArray<Held>> {
    const blocks = await this.#worlds.n1.list('Block')
    return blocks.flatMap(({ cidr, allocations, attributes }) =>
      (allocations as ReadonlyArray<number | null>).flatMap((index, ordinal) => {
        if (index === null) return []
        const { handleID = '', secondary } = attributes[index]
        const [ip = ''] = addressInBlock(trustedCIDR(cidr), ordinal).split('/')
        return [{ ip, handle: handleID as string, state: fixedStateOf(secondary) }]
      }),
    )
  }

  /** Whether a family has no address left. */
  isFull(held: ReadonlyArray<Held>): boolean {
    const v6 = held.filter(({ ip }) => ip.includes(':')).length
    return v6 === capacity.v6 || held.length - v6 === capacity.v4
  }
}
