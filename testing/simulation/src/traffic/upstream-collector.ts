/**
 * A leak collector that follows Calico's own (reference 6.1): allocations whose pod is gone, suspected
 * for the grace time or at once when their node is gone, whole handles only, asked for again before
 * they are released by handle and sequence number; then cold addresses, blocks that a node does not
 * need, and the affinities of nodes that are gone.
 */
import type { Values } from '@hc-calico/ipam-core/ports'
import { attempt, type Hands } from '../attempt.ts'
import type { Event, Simulation } from '../simulation.ts'
import { PodInformer, type SeenPod } from '../truth/cluster.ts'
import { type Allocation, allocationsIn } from './allocations.ts'
import { freeIn } from './upstream.ts'
import { WatchedKind } from './watched-kind.ts'

const requestsMax = 20_000

type Block = Values['Block']

const isValid = ({ ip, attributes }: Allocation, pods: ReadonlyMap<string, SeenPod>): boolean => {
  if (!attributes.pod || !attributes.namespace) return true
  const pod = pods.get(`${attributes.namespace}/${attributes.pod}`)
  if (pod === undefined || pod.node !== attributes.node) return false
  return pod.ips.length === 0 || pod.ips.includes(ip)
}

export class UpstreamCollector {
  readonly #simulation: Simulation
  readonly #informer: PodInformer
  readonly #blocks: WatchedKind<'Block'>
  /** Since when something has been suspected. */
  #since = new Map<string, number>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    this.#informer = new PodInformer(simulation.cluster)
    this.#blocks = new WatchedKind(simulation.world, 'Block')
  }

  async collect(event: Event): Promise<void> {
    if (!this.#blocks.isSynced) return
    this.#informer.catchUp(this.#simulation.world.nowMs - event.random.between(0, 5000))
    const ended = await attempt(this.#simulation, event, {
      node: 'upstream-controller',
      what: 'upstream GC',
      isUpstream: true,
      requestsMax,
      run: (hands) => this.#run(hands),
    })
    if (ended.tag === 'Crashed') this.#since = new Map()
  }

  async #run(hands: Hands): Promise<void> {
    const blocks = this.#blocks.all.map(({ value }) => value)
    const since = new Map<string, number>()
    await this.#releaseLeaks(hands, blocks.flatMap(allocationsIn), since)
    await this.#releaseUnused(hands, blocks, since)
    this.#since = since
    await this.#cleanNodes(hands, blocks)
    await hands.ipam.garbageCollectColdIPs()
  }

  /** Whether it has been suspected for the grace time. */
  #isOld(what: string, since: Map<string, number>): boolean {
    const { world, graceMs } = this.#simulation
    const first = this.#since.get(what) ?? world.nowMs
    since.set(what, first)
    return world.nowMs - first >= graceMs
  }

  async #releaseLeaks(
    hands: Hands,
    allocations: ReadonlyArray<Allocation>,
    since: Map<string, number>,
  ): Promise<void> {
    const { cluster } = this.#simulation
    const isConfirmed = (one: Allocation): boolean => {
      if (isValid(one, this.#informer.pods)) return false
      const name = `${one.handleID} ${one.ip} ${one.sequenceNumber}`
      return this.#isOld(name, since) || !cluster.nodes.has(one.attributes.node ?? '')
    }
    const kept = new Set(allocations.filter((one) => !isConfirmed(one)).map((one) => one.handleID))
    for (const one of allocations) {
      const { handleID: handle, block: cidr, ip, sequenceNumber } = one
      if (kept.has(handle) || isValid(one, cluster.pods)) continue
      await freeIn(hands, {
        cidr,
        handle,
        wanted: ({ handleID }, ordinal, { sequenceNumberForAllocation: numbers }) =>
          handleID === handle && numbers[ordinal] === sequenceNumber && ip !== '',
      })
    }
  }

  /** A node keeps one block; of the others, those that have been empty for long are given back. */
  async #releaseUnused(
    { ipam }: Hands,
    blocks: ReadonlyArray<Block>,
    since: Map<string, number>,
  ): Promise<void> {
    const owned = new Map<string, number>()
    for (const { affinity = '' } of blocks) owned.set(affinity, (owned.get(affinity) ?? 0) + 1)
    for (const { affinity, cidr, attributes } of blocks) {
      if (affinity === undefined || attributes.length > 0) continue
      const count = owned.get(affinity) ?? 0
      if (!this.#isOld(`empty ${cidr} ${affinity}`, since) || count < 2) continue
      owned.set(affinity, count - 1)
      await ipam.releaseBlockAffinity(cidr, { mustBeEmpty: true }).catch(() => {})
    }
  }

  async #cleanNodes({ ipam }: Hands, blocks: ReadonlyArray<Block>): Promise<void> {
    const { nodes } = this.#simulation.cluster
    const named = new Set(blocks.flatMap(allocationsIn).map(({ attributes }) => attributes.node))
    const owners = new Set(blocks.map(({ affinity }) => affinity?.replace(/^host:/, '')))
    for (const host of owners) {
      if (host === undefined || nodes.has(host) || named.has(host)) continue
      await ipam
        .releaseHostAffinities({ type: 'host', host }, { mustBeEmpty: true })
        .catch(() => {})
    }
  }
}
