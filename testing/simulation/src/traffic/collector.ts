/**
 * Our controller's garbage collection: its real decision, on what its watches and informers show it,
 * which is behind; and before anything is released, the pod is asked for once more. Whoever crashed
 * starts again with nothing suspected.
 */
import { IPAMFailure } from '@hc-calico/ipam-core'
import { attempt, type Hands } from '../attempt.ts'
import type { Event, Simulation } from '../simulation.ts'
import { PodInformer } from '../truth/cluster.ts'
import { type Allocation, allocationsIn } from './allocations.ts'
import { WatchedKind } from './watched-kind.ts'

const informerLagMsMax = 5000
const requestsMax = 20_000

type Situation = Parameters<Simulation['parts']['collectGarbage']>[0]
type Plan = ReturnType<Simulation['parts']['collectGarbage']>

export class Collector {
  readonly #simulation: Simulation
  readonly #informer: PodInformer
  readonly #blocks: WatchedKind<'Block'>
  readonly #handles: WatchedKind<'Handle'>
  readonly #affinities: WatchedKind<'BlockAffinity'>
  #suspected: Situation['suspected'] = new Map()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    this.#informer = new PodInformer(simulation.cluster)
    this.#blocks = new WatchedKind(simulation.world, 'Block')
    this.#handles = new WatchedKind(simulation.world, 'Handle')
    this.#affinities = new WatchedKind(simulation.world, 'BlockAffinity')
  }

  async collect(event: Event): Promise<void> {
    const views = [this.#blocks, this.#handles, this.#affinities]
    if (!views.every(({ isSynced }) => isSynced)) return
    const { world } = this.#simulation
    const lagMs = world.isHealed ? 0 : event.random.between(0, informerLagMsMax)
    this.#informer.catchUp(world.nowMs - lagMs)
    const ended = await attempt(this.#simulation, event, {
      node: 'controller',
      what: 'GC',
      requestsMax,
      run: (hands) => this.#run(hands),
    })
    if (ended.tag === 'Crashed') this.#suspected = new Map()
  }

  #situation(): Situation {
    const { world, cluster, graceMs } = this.#simulation
    const blocks = this.#blocks.all.map(({ value }) => value)
    const { pods } = this.#informer
    const claimed = new Set(
      this.#affinities.all.map(({ value }) => `${value.type}:${value.host} ${value.cidr}`),
    )
    const owners = blocks.flatMap(({ affinity }) => affinity?.replace(/^host:/, '') ?? [])
    return {
      allocations: blocks.flatMap(allocationsIn),
      pods,
      nodes: new Set(cluster.nodes),
      podOfIdentity: (identity) => pods.get(identity.replace(/^default\/.*\//, 'default/')),
      blockOwners: new Set(owners),
      ownedBlocks: blocks.flatMap(({ cidr, affinity }) =>
        affinity === undefined ? [] : [{ cidr, affinity }],
      ),
      hasAffinity: ({ cidr, affinity }) => claimed.has(`${affinity} ${cidr}`),
      handles: this.#handles.all.map(({ value: { id, blocks }, revision }) => {
        const count = Object.values(blocks).reduce((sum, one) => sum + one, 0)
        return [id, { revision, count }] as const
      }),
      suspected: this.#suspected,
      nowMs: world.nowMs,
      graceMs,
    }
  }

  async #run(hands: Hands): Promise<void> {
    const { parts, cluster } = this.#simulation
    const plan = parts.collectGarbage(this.#situation())
    this.#suspected = plan.suspected
    await this.#release(hands, plan)
    for (const { handleID, holderID } of plan.park)
      await hands.ipam.parkFixed({ handleID, holderID })
    for (const node of plan.cleanNodes) {
      if (!cluster.nodes.has(node)) {
        await ignoringRefusals(
          hands.ipam.releaseHostAffinities({ type: 'host', host: node }, { mustBeEmpty: true }),
        )
      }
    }
    for (const { cidr } of plan.disown) {
      await ignoringRefusals(
        hands.ipam.releaseBlockAffinity(cidr, { mustBeEmpty: false, mustBeStale: true }),
      )
    }
    for (const handle of [...plan.deleteHandles, ...plan.recount]) {
      await ignoringRefusals(hands.ipam.recountHandle(handle))
    }
    await hands.ipam.garbageCollectColdIPs()
  }

  async #release({ ipam, process }: Hands, { release }: Plan): Promise<void> {
    const { parts, world } = this.#simulation
    for (const { allocations } of release) {
      // The question to the API server takes its time, and so does what follows from the answer.
      await world.scheduler.sleep(process.random.between(0.5, 20))
      const all = allocations as ReadonlyArray<Allocation>
      if (parts.revalidates && all.some((one) => this.#isUsed(one))) continue
      await ignoringRefusals(
        ipam.releaseIPs(
          all.map(({ ip, handleID, sequenceNumber }) => ({
            address: ip,
            handle: handleID,
            sequenceNumber,
          })),
        ),
      )
    }
  }

  /** As the API server has it now. */
  #isUsed({ ip, attributes }: Allocation): boolean {
    const pod = this.#simulation.cluster.pods.get(`${attributes.namespace}/${attributes.pod}`)
    if (pod === undefined || pod.node !== attributes.node) return false
    return pod.ips.length === 0 || pod.ips.includes(ip)
  }
}

/** Somebody was faster, or the address is another one's by now: the next run looks again. */
const ignoringRefusals = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work
  } catch (failure) {
    if (!(failure instanceof IPAMFailure)) throw failure
  }
}
