/**
 * Pods of a StatefulSet that keep their addresses: one incarnation after the other, on any node. The
 * next one begins when the last has been taken down; or at once, because its node was given up for
 * lost and the pod deleted by force, and then the DEL of the last one comes late, or never.
 */
import { type FixedState, fixedStateOf } from '@hc-calico/ipam-core'
import { attempt } from '../attempt.ts'
import type { Event, Simulation } from '../simulation.ts'
import { isWanted, mayGo } from '../truth/fixed-set.ts'
import type { Sandbox } from '../truth/sandboxes.ts'
import { letGo, type Running, startContainer, stopContainer } from './containers.ts'
import { answerWish, freeze, has, loosen, wish } from './fixed-edits.ts'

const startsMax = 4

export interface Identity {
  readonly handle: string
  readonly pod: string
  readonly families: 1 | 2
  /** What it was given, from its first ADD on. */
  kept: ReadonlyArray<string>
  /** When its first ADD began. */
  sinceMs: number | undefined
  running: Running | undefined
  /** Only then does it keep its addresses. */
  isAnnotated: boolean
  /** Addresses that its record has asked for since it was given what it has. */
  wishes: Set<string>
  /** A StatefulSet does one thing after the other with one of its pods. */
  tail: Promise<void>
}

/** As the plugin and the controller write it. */
export const identityText = ({ pod }: Identity): string => `default/StatefulSet/set/${pod}`

export const isV4 = (address: string): boolean => !address.includes(':')

/** What the controller sees of an identity; of several addresses, the one with the latest epoch. */
export const stateOf = ({ world }: Simulation, handleID: string): FixedState | undefined =>
  world.store
    .list({ list: 'Block' })
    .flatMap(({ value }) => value.attributes)
    .filter((attribute) => attribute.handleID === handleID)
    .flatMap(({ secondary }) => fixedStateOf(secondary) ?? [])
    .sort((a, b) => b.epoch - a.epoch)[0]

type Ending = 'graceful' | 'forced' | 'sandbox restarted'

export class Identities {
  readonly #simulation: Simulation
  readonly #all: ReadonlyArray<Identity>

  constructor(simulation: Simulation, count: number) {
    this.#simulation = simulation
    this.#all = Array.from({ length: count }, (_, n) => ({
      handle: `hc-fixed.default.set-${n}`,
      pod: `set-${n}`,
      families: n % 3 === 2 ? 2 : 1,
      kept: [],
      sinceMs: undefined,
      running: undefined,
      // The others become fixed while they run.
      isAnnotated: n % 2 === 0,
      wishes: new Set(),
      tail: Promise.resolve(),
    }))
  }

  /** Everything an identity was ever given. */
  get kept(): ReadonlyArray<{
    readonly handle: string
    readonly addresses: ReadonlyArray<string>
  }> {
    return this.#all.map(({ handle, kept }) => ({ handle, addresses: kept }))
  }

  /** The next incarnation of one of them. */
  next(event: Event): Promise<void> {
    const identity = event.random.pick(this.#all)
    const ending = event.random.pick([
      'graceful',
      'graceful',
      'forced',
      'sandbox restarted',
    ] as const)
    identity.tail = identity.tail.then(() => this.#replace(event, identity, ending))
    return identity.tail
  }

  /** Somebody gives back by hand what is parked. */
  async release(event: Event): Promise<void> {
    const identity = event.random.pick(this.#all)
    const { handle: handleID, running } = identity
    if (running !== undefined) return
    const seen = stateOf(this.#simulation, handleID)
    if (seen === undefined || seen.holder !== undefined) return
    this.#forget(identity)
    // The next set of this name may be an ordinary one.
    identity.isAnnotated = event.random.chance(0.7)
    await attempt(this.#simulation, event, {
      node: 'controller',
      what: `release ${handleID}`,
      run: ({ ipam }) => ipam.releaseFixed({ handleID, epoch: seen.epoch }),
    })
  }

  /** Retention is about to give back what it has: where that is wrong, it still counts on it. */
  giveUp(handleID: string): void {
    const { world, cluster, fixedSet } = this.#simulation
    const identity = this.#all.find(({ handle }) => handle === handleID)
    if (identity === undefined || identity.running !== undefined) return
    if (cluster.pods.has(`default/${identity.pod}`)) return
    if (mayGo(fixedSet.now, identity.pod, world.nowMs)) this.#forget(identity)
  }

  /** From here on the identity may count on nothing, until it is given something again. */
  #forget(identity: Identity): void {
    const { claims, releasable, records } = this.#simulation
    const { handle, pod, kept } = identity
    // The keys leave the record first: what they say would be a wish of whoever comes next.
    for (const family of [4, 6] as const) records.set(pod, family, undefined)
    for (const address of kept) {
      if (claims.get(address)?.holder === undefined) claims.end(address, handle)
      // The release may come too late, and then the next start has them again, wherever they are from.
      identity.wishes.add(address)
    }
    identity.kept = []
    releasable.add(handle)
  }

  /** One of several things that people and the controller do about one of them. */
  async edit(event: Event): Promise<void> {
    const identity = event.random.pick(this.#all)
    const edit = event.random.pick([wish, wish, answerWish, freeze, freeze])
    await edit(this.#simulation, event, identity)
  }

  /** The containers of a node that is gone for good. */
  lost(node: string): void {
    for (const identity of this.#all) {
      const { running } = identity
      if (running?.sandbox.node !== node) continue
      letGo(this.#simulation, running)
      identity.running = undefined
    }
  }

  async #replace(event: Event, identity: Identity, ending: Ending): Promise<void> {
    const { world, cluster } = this.#simulation
    const { running, pod } = identity
    const node = this.#nodeFor(event, ending, running)
    if (this.#simulation.isDraining || node === undefined) return
    if (running !== undefined) letGo(this.#simulation, running)
    identity.running = undefined
    if (running !== undefined) {
      const stopped = ending === 'graceful' ? 0 : event.random.between(0, 300_000)
      const end = world.scheduler
        .sleep(Math.max(1, stopped))
        .then(() => stopContainer(this.#simulation, event, running.sandbox))
      if (ending === 'graceful') await end
    }
    // Scaled down for a while: nobody holds the address, and it stays.
    if (ending === 'graceful' && event.random.chance(0.3)) {
      await world.scheduler.sleep(event.random.between(1000, 600_000))
    }
    const wanted = isWanted(this.#simulation.fixedSet.now, pod)
    if (ending !== 'sandbox restarted' || !wanted) {
      cluster.setPod(world.nowMs, `default/${pod}`, undefined)
    }
    if (wanted) await this.#start(event, identity, node)
  }

  async #start(event: Event, identity: Identity, node: string): Promise<void> {
    const { world, cluster } = this.#simulation
    const { pod, handle } = identity
    const name = `default/${pod}`
    // Nothing is scheduled to a node that was lost meanwhile.
    if (!cluster.nodes.has(node)) return
    identity.sinceMs ??= world.nowMs
    // What it has may be released while its ADD is at work: asked for when the ADD has answered.
    const before = {
      sinceMs: identity.sinceMs,
      get kept() {
        return identity.isAnnotated ? identity.kept : []
      },
      get wished() {
        return identity.wishes
      },
    }
    loosen(this.#simulation, identity)
    const known = cluster.pods.get(name)
    const fresh = { node, ips: [], isEvicted: false, identity: handle }
    cluster.setPod(world.nowMs, name, known?.node === node ? known : fresh)
    for (let n = 0; n < startsMax && cluster.nodes.has(node); n += 1) {
      const sandbox: Sandbox = {
        handle: `k8s-pod-network.${pod}.${event.index}.${n}`,
        pod,
        node,
        families: identity.families,
        isOfService: false,
        caller: 'plugin',
        ...(identity.isAnnotated ? { identity: handle } : {}),
      }
      const running = await startContainer(this.#simulation, event, sandbox, before)
      if (running !== undefined) {
        identity.running = running
        if (sandbox.identity !== undefined) has(this.#simulation, identity, running.addresses)
        return
      }
      const stopped = stopContainer(this.#simulation, event, sandbox)
      if (event.random.chance(0.7)) await stopped
    }
  }

  #nodeFor(event: Event, ending: Ending, running: Running | undefined): string | undefined {
    const { cluster, upstreamNode } = this.#simulation
    const nodes = [...cluster.nodes].filter((node) => node !== upstreamNode)
    const drawn = nodes.length === 0 ? undefined : event.random.pick(nodes)
    if (ending !== 'sandbox restarted' || running === undefined) return drawn
    return running.sandbox.node
  }
}
