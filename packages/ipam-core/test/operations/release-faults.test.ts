/**
 * Releases under every fault a datastore can produce, at every write: afterwards every block keeps
 * its laws, handles count exactly what blocks hold, and what was to go is gone.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { describe, expect, test } from 'vitest'
import type { IPAMError } from '../../src/errors.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { releaseIPs } from '../../src/operations/release-ips.ts'
import {
  type CommitFailure,
  type Datastore,
  datastoreError,
  type Revision,
  type Write,
} from '../../src/ports/index.ts'
import { assignRequest, faultsOf, ok, poolOf, put, valuesOf, type World, worldOf } from './world.ts'

/** h1 holds two addresses in each of two blocks, h2 one in one of them. */
const cluster = async (atomic: boolean): Promise<World> => {
  const world = await worldOf({
    atomic,
    pools: [poolOf('10.0.0.0/31', 31), poolOf('10.1.0.0/29', 29)],
  })
  await ok(autoAssign(world.deps, assignRequest({ num4: 4 })))
  await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
  return world
}

const held = ['10.0.0.0', '10.0.0.1', '10.1.0.0', '10.1.0.1']

/** Puts `intercept` before commits; its answer replaces theirs, undefined lets them through. */
const withInterception = (
  world: World,
  intercept: (writes: ReadonlyArray<Write>, store: Datastore) => Promise<CommitFailure> | undefined,
): Deps => {
  const { datastore } = world.deps
  const commit: Datastore['commit'] = (writes, options) => async () => {
    const failure = await intercept(writes, datastore)
    return failure === undefined
      ? datastore.commit(writes, options)()
      : { _tag: 'Left', left: failure }
  }
  return { ...world.deps, datastore: { ...datastore, commit } }
}

type Release = (deps: Deps) => TaskEither<IPAMError, { released: ReadonlyArray<string> }>
const releases: ReadonlyArray<[string, Release]> = [
  ['releaseByHandle', (deps) => releaseByHandle(deps, 'h1')],
  [
    'releaseIPs with handle',
    (deps) =>
      releaseIPs(
        deps,
        held.map((address) => ({ address, handle: 'h1' })),
      ),
  ],
  [
    'releaseIPs',
    (deps) =>
      releaseIPs(
        deps,
        held.map((address) => ({ address })),
      ),
  ],
]

/** Applies the first writes of a commit, one by one. */
const applySome = async (
  store: Datastore,
  writes: ReadonlyArray<Write>,
  count: number,
): Promise<ReadonlyArray<Revision | undefined>> => {
  const revisions: Array<Revision | undefined> = []
  for (const write of writes.slice(0, count)) {
    revisions.push((await ok(store.commit([write]))).revisions[0])
  }
  return revisions
}

const unknown = (applied: ReadonlyArray<Revision | undefined> = []): CommitFailure => ({
  error: datastoreError('OutcomeUnknown', 'the connection was cut'),
  applied,
  current: [],
})
const unavailable = (applied: ReadonlyArray<Revision | undefined> = []): CommitFailure => ({
  error: datastoreError('Unavailable', 'the server is restarting'),
  applied,
  current: [],
})

/** What happens to the first commit, given how many of its writes are to be applied. */
type Fault = (
  writes: ReadonlyArray<Write>,
  store: Datastore,
  count: number,
) => Promise<CommitFailure>

const faults: ReadonlyArray<[string, Fault]> = [
  [
    'the reply is lost',
    async (writes, store, count) => {
      const applied = await applySome(store, writes, count)
      return unknown(applied.slice(0, Math.max(0, count - 1)))
    },
  ],
  [
    'the next request is lost',
    async (writes, store, count) => unknown(await applySome(store, writes, count)),
  ],
  [
    'the server goes away',
    async (writes, store, count) => unavailable(await applySome(store, writes, count)),
  ],
]

const once = (world: World, fault: Fault, count: (writes: number) => number): Deps => {
  let isFirst = true
  return withInterception(world, (writes, store) => {
    if (!isFirst) return undefined
    isFirst = false
    return fault(writes, store, count(writes.length))
  })
}

const expectAllGone = async (world: World) => {
  expect(await faultsOf(world)).toEqual([])
  expect((await valuesOf(world, 'Handle')).map((one) => one.id)).toEqual(['h2'])
}

describe.each(releases)('%s', (_, release) => {
  describe.each(faults)('%s', (_, fault) => {
    // A commit of two blocks and a handle: 0 to 3 of its writes are applied.
    test.each([0, 1, 2, 3])('after %i writes', async (count) => {
      const world = await cluster(false)
      const { released } = await ok(release(once(world, fault, () => count)))
      expect([...released].sort()).toEqual(held)
      await expectAllGone(world)
    })

    test.each([0, 1])('atomic: all or nothing, %i', async (share) => {
      const world = await cluster(true)
      const { released } = await ok(release(once(world, fault, (writes) => writes * share)))
      expect([...released].sort()).toEqual(held)
      await expectAllGone(world)
    })
  })

  test.each([0, 1, 2, 3])('killed after %i writes, and run again', async (count) => {
    const world = await cluster(false)
    const killed = once(
      world,
      async (writes, store) => {
        await applySome(store, writes, count)
        throw new Error('killed')
      },
      () => count,
    )
    await expect(release(killed)()).rejects.toThrow('killed')
    // By address alone the handle of a free address cannot be known; by handle it can.
    await release(world.deps)()
    const again = await releaseByHandle(world.deps, 'h1')()
    if (isLeft(again)) expect(again.left).toMatchObject({ refusal: { tag: 'HandleMissing' } })
    await expectAllGone(world)
  })
})

describe('somebody else writes between two writes', () => {
  /** Lets `act` happen before write number `at` of the first commit. */
  const interrupted = (world: World, at: number, act: () => Promise<unknown>): Deps =>
    once(
      world,
      async (writes, store) => {
        const applied = await applySome(store, writes, at)
        await act()
        const rest = await store.commit(writes.slice(at))()
        if (!isLeft(rest))
          return {
            error: datastoreError('Unavailable', 'late'),
            applied: [...applied, ...rest.right.revisions],
            current: [],
          }
        return { ...rest.left, applied: [...applied, ...rest.left.applied] }
      },
      () => at,
    )

  test.each(
    releases.flatMap(([name, release]) => [0, 1, 2].map((at) => [name, at, release] as const)),
  )('%s: another pod takes an address before write %i', async (_, at, release) => {
    const world = await cluster(false)
    const act = () => ok(autoAssign(world.deps, assignRequest({ handleID: 'h3', host: 'n1' })))
    await ok(release(interrupted(world, at, act)))
    expect(await faultsOf(world)).toEqual([])
    expect((await valuesOf(world, 'Handle')).map((one) => one.id)).toEqual(['h2', 'h3'])
  })

  test.each(
    releases.flatMap(([name, release]) => [0, 1, 2].map((at) => [name, at, release] as const)),
  )('%s: the same handle takes another address before write %i', async (_, at, release) => {
    const world = await cluster(false)
    const act = () => ok(autoAssign(world.deps, assignRequest({ num4: 2 })))
    await ok(release(interrupted(world, at, act)))
    expect(await faultsOf(world)).toEqual([])
  })

  test.each(
    releases.flatMap(([name, release]) => [0, 1, 2].map((at) => [name, at, release] as const)),
  )('%s: the same release runs twice, the second before write %i', async (_, at, release) => {
    const world = await cluster(false)
    await ok(release(interrupted(world, at, () => release(world.deps)())))
    await expectAllGone(world)
  })

  test('only the block that conflicted is written again', async () => {
    const world = await cluster(false)
    const act = () => ok(autoAssign(world.deps, assignRequest({ handleID: 'h3' })))
    world.calls.length = 0
    await ok(releaseByHandle(interrupted(world, 1, act), 'h1'))
    const commits = world.calls.flatMap((call) => (call.tag === 'Commit' ? [call.writes] : []))
    const last = commits.at(-1)?.map((write) => `${write.op} ${write.key.kind}`)
    expect(last).toEqual(['update Block', 'delete Handle'])
  })

  test('a count that is too high stays too high rather than becoming too low', async () => {
    const world = await cluster(false)
    const blocks = { '10.0.0.0/31': 2, '10.1.0.0/29': 5 }
    await put(world, { kind: 'Handle', id: 'h1' }, { id: 'h1', blocks })
    await ok(releaseIPs(world.deps, [{ address: '10.1.0.0', handle: 'h1' }]))
    const [h1] = await valuesOf(world, 'Handle')
    expect(h1?.blocks).toEqual({ '10.0.0.0/31': 2, '10.1.0.0/29': 4 })
    await ok(releaseIPs(world.deps, [{ address: '10.1.0.1', handle: 'h1' }]))
    expect((await valuesOf(world, 'Handle'))[0]?.blocks).toEqual({ '10.0.0.0/31': 2 })
  })
})

test.each([0, 1, 2])(
  'part of a block goes, the outcome after %i writes is unknown',
  async (count) => {
    const world = await cluster(false)
    const deps = once(
      world,
      async (writes, store) => {
        const applied = await applySome(store, writes, count)
        return unknown(applied.slice(0, Math.max(0, count - 1)))
      },
      () => count,
    )
    await ok(releaseIPs(deps, [{ address: '10.1.0.0', handle: 'h1' }]))
    // Whether the handle was written cannot be known: it is held against its block.
    const counted = (await valuesOf(world, 'Handle'))[0]?.blocks['10.1.0.0/29']
    expect(counted).toBe(1)
    await ok(releaseByHandle(world.deps, 'h1'))
    await expectAllGone(world)
  },
)

test.each(releases)(
  '%s: the handle takes an address while the reply is lost',
  async (_, release) => {
    const world = await cluster(false)
    const deps = once(
      world,
      async (writes, store) => {
        const applied = await applySome(store, writes, writes.length)
        await ok(autoAssign(world.deps, assignRequest()))
        return unknown(applied.slice(0, 2))
      },
      () => 3,
    )
    await ok(release(deps))
    expect(await faultsOf(world)).toEqual([])
  },
)

test('an address taken by somebody else while the reply was lost is not released again', async () => {
  const world = await worldOf({ pools: [poolOf('10.0.0.0/32', 32)] })
  await ok(autoAssign(world.deps, assignRequest()))
  const deps = once(
    world,
    async (writes, store) => {
      await applySome(store, writes, writes.length)
      await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
      return unknown()
    },
    (writes) => writes,
  )
  const result = await ok(releaseIPs(deps, [{ address: '10.0.0.0', handle: 'h1' }]))
  expect(result).toEqual({ released: ['10.0.0.0'], unallocated: [] })
  expect((await valuesOf(world, 'Handle')).map((one) => one.id)).toEqual(['h2'])
  expect(await faultsOf(world)).toEqual([])
})

test('gives up after as many conflicts as are allowed, and says so', async () => {
  const world = await worldOf({ limits: { retryAttemptsMax: 3 } })
  await ok(autoAssign(world.deps, assignRequest()))
  const deps = withInterception(world, async () => unavailable())
  expect(await releaseByHandle(deps, 'h1')()).toMatchObject({
    left: { family: 'exhausted', operation: 'releaseByHandle', error: { attempts: 3 } },
  })
})
