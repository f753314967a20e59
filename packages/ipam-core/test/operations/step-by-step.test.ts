/**
 * Two processes on a store without atomic commits, one write at a time in a given order; and, as on an
 * API server, an update that changes nothing leaves the version as it is.
 */
import { expect, test } from 'vitest'
import { fixedAttrs } from '../../src/model/fixed-allocation.ts'
import { assignIP } from '../../src/operations/assign-ip.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { takeOverFixed } from '../../src/operations/fixed-holder.ts'
import { recountHandle } from '../../src/operations/recount-handle.ts'
import { releaseAffinity } from '../../src/operations/release-affinity.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { releaseFixed } from '../../src/operations/release-fixed.ts'
import {
  type Datastore,
  type Kind,
  keyText,
  type Revision,
  type Write,
} from '../../src/ports/index.ts'
import {
  affinityFaultsOf,
  blockWith,
  faultsOf,
  ok,
  poolOf,
  put,
  assignRequest as request,
  second,
  startOfTime,
  tagsOf,
  type World,
  worldOf,
} from './world.ts'

const sameText = (a: unknown, b: unknown): boolean => {
  const bigints = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)
  return JSON.stringify(a, bigints) === JSON.stringify(b, bigints)
}

interface Waiting {
  readonly write: Write
  readonly go: () => void
}

/** A process whose writes wait to be let through. */
class Stepped {
  readonly deps: Deps
  readonly #world: World
  readonly #waiting: Waiting[] = []

  constructor(world: World) {
    this.#world = world
    const commit: Datastore['commit'] = (writes) => () => this.#each(writes)
    this.deps = { ...world.deps, datastore: { ...world.deps.datastore, commit } }
  }

  async #each(writes: ReadonlyArray<Write>) {
    const { store } = this.#world
    const applied: Array<Revision | undefined> = []
    for (const write of writes) {
      await new Promise<void>((go) => this.#waiting.push({ write, go }))
      const [found] = await ok(store.read([{ get: write.key }]))
      const isSame = write.op === 'update' && found?.revision === write.revision
      if (isSame && sameText(found?.value, write.value)) {
        applied.push(found?.revision)
        continue
      }
      const done = await store.commit([write])()
      if (done._tag === 'Left') return { ...done, left: { ...done.left, applied } }
      applied.push(...done.right.revisions)
    }
    return { _tag: 'Right', right: { revisions: applied } } as const
  }

  /** The next write, when it is there. */
  async next(): Promise<Write> {
    await expect.poll(() => this.#waiting.length, { interval: 1 }).toBeGreaterThan(0)
    return (this.#waiting[0] as Waiting).write
  }

  /** Lets the next write through, which is of this kind. */
  async step(kind: Kind): Promise<void> {
    const write = await this.next()
    expect(`${write.op} ${keyText(write.key)}`).toContain(`${kind}(`)
    this.#waiting.shift()?.go()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }

  /** All the rest, as it comes. */
  async finish<A>(work: Promise<A>): Promise<A> {
    let isOver = false
    void work.finally(() => {
      isOver = true
    })
    while (!isOver) {
      this.#waiting.shift()?.go()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return work
  }
}

const handleID = 'hc-fixed.shop.redis-0'
const identity = 'shop/StatefulSet/redis/redis-0'

test('a release that finds its handle changed does not take the count of a first ADD', async () => {
  const world = await worldOf({ atomic: false, pools: [poolOf('10.0.0.0/29', 29)] })
  await ok(autoAssign(world.deps, request({ handleID: 'other' })))
  const parked = fixedAttrs({ identity, epoch: 7 })
  await ok(autoAssign(world.deps, request({ handleID, attrs: parked })))
  const release = new Stepped(world)
  const released = ok(releaseFixed(release.deps, { handleID, epoch: 7 }))
  await release.step('Block')
  const start = new Stepped(world)
  const holder = { id: 'c2', node: 'n1' }
  const added = (async () => {
    expect(await ok(takeOverFixed(start.deps, { handleID, identity, holder }))).toBeUndefined()
    const attrs = fixedAttrs({ identity, epoch: 9, holder })
    return ok(autoAssign(start.deps, request({ handleID, attrs })))
  })()
  await start.step('Handle')
  await start.step('Handle')
  await release.step('Handle')
  await release.step('Block')
  await start.step('Block')
  const [got] = await Promise.all([start.finish(added), release.finish(released)])
  const next = { id: 'c3', node: 'n2' }
  const hold = await ok(takeOverFixed(world.deps, { handleID, identity, holder: next }))
  expect(hold?.ips).toEqual(got.v4?.ips)
  // What is counted too much is for garbage collection.
  const [handle] = await ok(world.store.read([{ get: { kind: 'Handle', id: handleID } }]))
  await ok(recountHandle(world.deps, { handleID, revision: handle?.revision ?? '' }))
  expect(await faultsOf(world)).toEqual([])
})

test('a release that gives up does not confirm the affinity of a block that is being taken', async () => {
  const world = await worldOf({ atomic: false, pools: [poolOf('10.0.0.0/30', 30)] })
  const cidr = '10.0.0.0/30'
  const affinity = { type: 'host', host: 'n1', cidr, state: 'confirmed' } as const
  await put(world, { kind: 'BlockAffinity', ...affinity }, affinity)
  const block = blockWith(cidr, 'host:n1', startOfTime - 100n * second)
  await put(world, { kind: 'Block', cidr }, block)
  const release = new Stepped(world)
  const released = tagsOf(releaseAffinity(release.deps, cidr, 'n1', { mustBeEmpty: true }))
  await release.step('BlockAffinity')
  await ok(assignIP(world.deps, { ip: '10.0.0.1', handleID: 'p1', host: 'n2' }))
  await release.step('Block')
  // It knows that the block is in use; before it says so, the block is empty again, and is taken.
  await release.next()
  await ok(releaseByHandle(world.deps, 'p1'))
  const taker = new Stepped(world)
  const taken = ok(autoAssign(taker.deps, request({ handleID: 'p9', host: 'n2' })))
  for (;;) {
    const { op, key } = await taker.next()
    await taker.step(key.kind)
    if (op === 'delete' && key.kind === 'Block') break
  }
  const ended = release.finish(released)
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect((await taker.finish(taken)).v4?.ips).toHaveLength(1)
  await ended
  expect(await affinityFaultsOf(world)).toEqual([])
})
