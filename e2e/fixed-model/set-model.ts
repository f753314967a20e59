/**
 * What must be true of a StatefulSet with fixed addresses while people edit its record and its size,
 * its nodes come and go, and the controller hears of all that late, dies and starts anew.
 *
 * An identity's address changes only to one that a person asked for, never under a running container,
 * and is given back only while the set is not there.
 */
import { expect } from 'vitest'
import {
  type Container,
  FixedCluster,
  fixedHandle,
  type Held,
  holderID,
  type NodeName,
  nodeNames,
} from '../../packages/cni-plugin/test/model/fixed-cluster.ts'
import { FakeKubernetes } from './fake-kubernetes.ts'
import { ModelledController } from './modelled-controller.ts'

export const ordinals = [0, 1, 2] as const
export type Family = 4 | 6

const core = '/api/v1/namespaces/default'
const setPath = '/apis/apps/v1/namespaces/default/statefulsets'
const recordPath = `${core}/configmaps/redis-fixed-ip-conf`
const annotations = { 'fixed.ipam.harmonycloud.cn': 'true' }

const familyOf = (ip: string): Family => (ip.includes(':') ? 6 : 4)
const keyOf = (pod: string, family: Family): string => `${pod}-ipv${family}`
export const podName = (ordinal: number): string => `redis-${ordinal}`

export class SetModel {
  readonly kubernetes: FakeKubernetes
  readonly cluster: FixedCluster
  readonly controller: ModelledController
  /** The address of an identity, by key of the record. */
  readonly addresses = new Map<string, string>()
  /** Every address that a person ever asked for, by key of the record. */
  readonly asked = new Map<string, Set<string>>()
  readonly live = new Map<string, Container>()
  readonly neighbours: Container[] = []
  readonly past: Container[] = []
  readonly down = new Set<NodeName>()
  #neighbours = 0

  private constructor(kubernetes: FakeKubernetes, cluster: FixedCluster) {
    this.kubernetes = kubernetes
    this.cluster = cluster
    this.controller = new ModelledController(kubernetes, cluster.datastore, nodeNames)
  }

  static async create(atomicCommit: boolean): Promise<SetModel> {
    const kubernetes = new FakeKubernetes()
    kubernetes.create('/api/v1/namespaces', { metadata: { name: 'default' } })
    const cluster = await FixedCluster.create(atomicCommit, kubernetes.client())
    const model = new SetModel(kubernetes, cluster)
    model.createSet(3)
    await model.controller.restart()
    return model
  }

  get replicas(): number | undefined {
    const set = this.kubernetes.get(`${setPath}/redis`)
    return (set?.spec as { readonly replicas: number } | undefined)?.replicas
  }

  createSet(replicas: number): void {
    if (this.replicas !== undefined) return
    const template = { metadata: { annotations } }
    this.kubernetes.create(setPath, { metadata: { name: 'redis' }, spec: { replicas, template } })
  }

  async deleteSet(): Promise<void> {
    for (const ordinal of ordinals) await this.stop(ordinal)
    this.kubernetes.delete(`${setPath}/redis`)
  }

  async scale(replicas: number): Promise<void> {
    if (this.replicas === undefined) return
    this.kubernetes.merge(`${setPath}/redis`, { spec: { replicas } })
    for (const ordinal of ordinals) if (ordinal >= replicas) await this.stop(ordinal)
  }

  /** What the record asks for, which may keep a first start waiting. */
  #hasWish(pod: string): boolean {
    const data = (this.kubernetes.get(recordPath)?.data ?? {}) as Readonly<Record<string, string>>
    return ([4, 6] as const).some((family) => {
      const text = data[keyOf(pod, family)] ?? ''
      return text !== '' && text !== this.addresses.get(keyOf(pod, family))
    })
  }

  #createPod(name: string, node: NodeName, isFixed: boolean): void {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis', uid: 'of-the-set' }
    this.kubernetes.create(`${core}/pods`, {
      metadata: { name, ...(isFixed ? { annotations, ownerReferences: [owner] } : {}) },
      spec: { nodeName: node },
      status: { phase: 'Pending' },
    })
  }

  async start(ordinal: number, node: NodeName, writesMax?: number): Promise<void> {
    const pod = podName(ordinal)
    const isWanted = ordinal < (this.replicas ?? 0)
    if (!isWanted || this.live.has(pod) || this.down.has(node)) return
    this.kubernetes.delete(`${core}/pods/${pod}`)
    this.#createPod(pod, node, true)
    const loss = writesMax === undefined ? {} : { writesMax }
    const { container, problem } = await this.cluster.start({
      ...{ node, pod, isFixed: true, isDual: true, ...loss },
    })
    if (problem !== undefined) {
      this.past.push(container)
      if (writesMax === undefined) await this.#expectReason(container, problem)
      return
    }
    this.live.set(pod, container)
    const podIPs = container.addresses.map((ip) => ({ ip }))
    this.kubernetes.merge(`${core}/pods/${pod}`, { status: { phase: 'Running', podIPs } })
    for (const ip of container.addresses) this.#accept(pod, ip)
  }

  /**
   * An older container that nobody has told of its end still has the address's route on this node.
   * Whoever is given the address meanwhile is refused by the kernel, and tries again.
   */
  #isStillRouted(node: NodeName, problem: string): boolean {
    const ip = /(\S+) is routed to/.exec(problem)?.[1]
    const older = this.past.filter((one) => one.node === node && this.cluster.isWired(one))
    return ip !== undefined && older.some(({ addresses }) => addresses.includes(ip))
  }

  /** A pod that has its addresses always starts; a first start may find no room, or wait for a pin. */
  async #expectReason({ pod, node }: Container, problem: string): Promise<void> {
    if (this.#isStillRouted(node, problem)) return
    const isNew = ([4, 6] as const).some((family) => !this.addresses.has(keyOf(pod, family)))
    const isFull = this.cluster.isFull(await this.cluster.held())
    if (!isNew || !(isFull || this.#hasWish(pod))) {
      throw new Error(`${pod} does not start: ${problem}`)
    }
  }

  /** An address is the one of before, one that was asked for, or the first. */
  #accept(pod: string, ip: string): void {
    const key = keyOf(pod, familyOf(ip))
    const before = this.addresses.get(key) ?? ip
    const isRight = ip === before || (this.asked.get(key)?.has(ip) ?? false)
    expect({ key, ip, before, isRight }).toMatchObject({ isRight: true })
    this.addresses.set(key, ip)
  }

  async stop(ordinal: number): Promise<void> {
    const pod = podName(ordinal)
    const container = this.live.get(pod)
    this.live.delete(pod)
    this.kubernetes.delete(`${core}/pods/${pod}`)
    if (container === undefined) return
    this.past.push(container)
    if (!this.down.has(container.node)) await this.cluster.del(container, true)
  }

  forceDelete(pod: string): void {
    const container = this.live.get(pod)
    this.live.delete(pod)
    this.kubernetes.delete(`${core}/pods/${pod}`)
    if (container !== undefined) this.past.push(container)
  }

  loseNode(node: NodeName): void {
    this.down.add(node)
    for (const [pod, container] of this.live) if (container.node === node) this.forceDelete(pod)
  }

  async lateDel(index: number): Promise<void> {
    const container = this.past[index % Math.max(1, this.past.length)]
    if (container === undefined || this.down.has(container.node)) return
    await this.cluster.del(container, false)
  }

  async startNeighbours(node: NodeName, count: number): Promise<void> {
    if (this.down.has(node)) return
    for (let n = 0; n < count; n += 1) {
      this.#neighbours += 1
      const pod = `plain-${this.#neighbours}`
      this.#createPod(pod, node, false)
      const start = { node, pod, isFixed: false, isDual: n % 2 === 0 }
      const { container, problem } = await this.cluster.start(start)
      if (problem === undefined) this.neighbours.push(container)
      else await this.#expectFull(node, problem)
    }
  }

  async #expectFull(node: NodeName, problem: string): Promise<void> {
    if (this.#isStillRouted(node, problem)) return
    if (!this.cluster.isFull(await this.cluster.held())) throw new Error(problem)
  }

  async stopNeighbours(): Promise<void> {
    const reachable = this.neighbours.filter(({ node }) => !this.down.has(node))
    for (const container of reachable) {
      await this.cluster.del(container, true)
      this.kubernetes.delete(`${core}/pods/${container.pod}`)
      this.neighbours.splice(this.neighbours.indexOf(container), 1)
    }
  }

  /** A person writes into the record; null takes the key out. */
  edit(ordinal: number, family: Family, text: string | null): void {
    const key = keyOf(podName(ordinal), family)
    const data = { [key]: text }
    const metadata = { name: 'redis-fixed-ip-conf' }
    if (this.kubernetes.get(recordPath) !== undefined) this.kubernetes.merge(recordPath, { data })
    else if (text !== null) this.kubernetes.create(`${core}/configmaps`, { metadata, data })
    if (text !== null) this.asked.set(key, (this.asked.get(key) ?? new Set()).add(text))
  }

  deleteRecord(): void {
    this.kubernetes.delete(recordPath)
  }

  async check(): Promise<void> {
    const held = await this.cluster.held()
    for (const ordinal of ordinals) this.#checkIdentity(podName(ordinal), held)
    const owners = new Map(held.map(({ ip, handle }) => [ip, handle]))
    expect(owners.size).toBe(held.length)
    for (const container of this.neighbours) {
      for (const ip of container.addresses) expect(owners.get(ip)).toBe(holderID(container))
    }
  }

  #checkIdentity(pod: string, held: ReadonlyArray<Held>): void {
    const own = held.filter(({ handle }) => handle === fixedHandle(pod))
    const container = this.live.get(pod)
    for (const family of [4, 6] as const) {
      const key = keyOf(pod, family)
      const ips = own.map(({ ip }) => ip).filter((ip) => familyOf(ip) === family)
      const known = this.addresses.get(key)
      if (known === undefined) continue
      if (container !== undefined) expect([key, ips]).toEqual([key, [known]])
      // A change that was cut off has both, until whoever comes next completes it.
      else if (ips.includes(known)) continue
      else if (ips[0] !== undefined) this.#accept(pod, ips[0])
      else this.#expectReleased(key)
    }
    for (const { state } of container === undefined ? [] : own) {
      const { node } = container as Container
      expect(state?.holder).toEqual({ id: holderID(container as Container), node })
    }
  }

  #expectReleased(key: string): void {
    expect({ key, isSetThere: this.replicas !== undefined }).toMatchObject({ isSetThere: false })
    this.addresses.delete(key)
  }

  /** All is well again, and everybody has been heard. */
  async settle(): Promise<void> {
    this.down.clear()
    for (const container of this.past.splice(0)) await this.cluster.del(container, false)
    for (let round = 0; round < 3; round += 1) {
      await this.controller.restart()
      await this.controller.reconcile()
      this.controller.pass(60_000)
      await this.check()
    }
  }

  /** Once all is settled: the record says what is held, and names nobody else's address. */
  async checkRecord(): Promise<void> {
    const data = (this.kubernetes.get(recordPath)?.data ?? {}) as Readonly<Record<string, string>>
    const owners = new Map((await this.cluster.held()).map(({ ip, handle }) => [ip, handle]))
    for (const [ip, handle] of owners) {
      const pod = /^hc-fixed\.default\.(.+)$/.exec(handle)?.[1]
      if (pod !== undefined) expect(data[keyOf(pod, familyOf(ip))] ?? '').not.toBe('')
    }
    for (const [key, text] of Object.entries(data)) {
      if (text === '' || this.asked.get(key)?.has(text)) continue
      const pod = key.replace(/-ipv[46]$/, '')
      expect({ key, text, owner: owners.get(text) }).toMatchObject({ owner: fixedHandle(pod) })
    }
  }
}
