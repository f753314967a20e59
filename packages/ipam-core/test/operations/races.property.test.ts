import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { assignIP } from '../../src/operations/assign-ip.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import type { CommitFailure, Datastore, Revision } from '../../src/ports/index.ts'
import {
  affinityFaultsOf,
  faultsOf,
  ok,
  poolOf,
  assignRequest as request,
  tagsOf,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

type Turns = () => Promise<void>

/** Lets others go first, as often as the numbers say. */
const turnsOf =
  (numbers: Iterator<number>): Turns =>
  async () => {
    const { value } = numbers.next()
    for (let i = 0; i < (value as number); i += 1) await Promise.resolve()
  }

/** Calls interleave, and where commits are not atomic so do their writes. */
const interleaved = (store: Datastore, turns: Turns): Datastore => ({
  ...store,
  read: (queries, options) => async () => {
    await turns()
    const answers = await store.read(queries, options)()
    await turns()
    return answers
  },
  commit: (writes, options) => async () => {
    await turns()
    if (store.capabilities.atomicCommit) return store.commit(writes, options)()
    const revisions: (Revision | undefined)[] = []
    for (const write of writes) {
      const result = await store.commit([write], options)()
      if (isLeft(result)) {
        const failure: CommitFailure = { ...result.left, applied: revisions }
        return { ...result, left: failure }
      }
      revisions.push(...result.right.revisions)
      await turns()
    }
    return { _tag: 'Right', right: { revisions } }
  },
})

const hosts = ['n1', 'n2', 'n3']

type Action =
  | { tag: 'Assign'; host: number; count: number }
  | { tag: 'AssignIP'; host: number; last: number }
  /** Two requests at once for one container, which may hold one address. */
  | { tag: 'Twice'; host: number }
  | { tag: 'Release'; pick: number }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      tag: fc.constant('Assign' as const),
      host: fc.nat(2),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      tag: fc.constant('AssignIP' as const),
      host: fc.nat(2),
      last: fc.nat(31),
    }),
  },
  { weight: 3, arbitrary: fc.record({ tag: fc.constant('Release' as const), pick: fc.nat(50) }) },
)

interface Book {
  /** Address -> handle, as the callers were told. */
  readonly held: Map<string, string>
  handles: number
}

const perform = async (deps: Deps, book: Book, what: Action): Promise<void> => {
  if (what.tag === 'Release') {
    const live = [...new Set(book.held.values())]
    const handle = live[what.pick % Math.max(1, live.length)]
    if (handle === undefined) return
    for (const [ip, owner] of book.held) if (owner === handle) book.held.delete(ip)
    await tagsOf(releaseByHandle(deps, handle))
    return
  }
  const handleID = `h${book.handles}`
  book.handles += 1
  const host = hosts[what.host] as string
  let got: ReadonlyArray<string> = []
  if (what.tag === 'AssignIP') {
    const ip = `10.0.0.${what.last}`
    const ended = await tagsOf(assignIP(deps, { ip, handleID, host, attrs: { node: host } }))
    expect(['ok', 'AddressInUse', 'AffinityMismatch']).toContain(ended)
    got = ended === 'ok' ? [ip] : []
  } else if (what.tag === 'Twice') {
    const once = () =>
      ok(autoAssign(deps, request({ host, handleID, maxAllocToHandlePerIPVersion: 1 })))
    const both = await Promise.all([once(), once()])
    const [first, second] = both.map(({ v4 }) => v4?.ips.map((ip) => ip.split('/')[0] as string))
    expect(second).toEqual(first)
    got = first ?? []
  } else {
    const result = await ok(autoAssign(deps, request({ host, handleID, num4: what.count })))
    got = (result.v4?.ips ?? []).map((ip) => ip.split('/')[0] as string)
  }
  for (const ip of got) {
    expect(book.held.get(ip)).toBe(undefined)
    book.held.set(ip, handleID)
  }
}

const stored = async (world: World): Promise<Map<string, string>> => {
  const held = new Map<string, string>()
  for (const block of await valuesOf(world, 'Block')) {
    const base = Number(/\.(\d+)\//.exec(block.cidr)?.[1])
    block.allocations.forEach((index, ordinal) => {
      const handle = index === null ? undefined : block.attributes[index]?.handleID
      if (handle !== undefined) held.set(`10.0.0.${base + ordinal}`, handle)
    })
  }
  return held
}

describe.each([
  { atomic: true, strictAffinity: false },
  { atomic: true, strictAffinity: true },
  { atomic: false, strictAffinity: false },
])('atomic commits: $atomic, strict affinity: $strictAffinity', ({ atomic, strictAffinity }) => {
  test('whoever races with whom, one address has one holder and handles count exactly', async () => {
    const rounds = fc.array(fc.array(action, { minLength: 1, maxLength: 5 }), { maxLength: 8 })
    const turns = fc.infiniteStream(fc.nat(6))
    await fc.assert(
      fc.asyncProperty(rounds, turns, async (all, numbers) => {
        const pools = [poolOf('10.0.0.0/27', 30)]
        const config = { strictAffinity, autoAllocateBlocks: true }
        const world = await worldOf({ atomic, pools, config, limits: { reclaimAgeMsMin: 0 } })
        const datastore = interleaved(world.deps.datastore, turnsOf(numbers))
        const deps = { ...world.deps, datastore }
        const book: Book = { held: new Map(), handles: 0 }
        for (const round of all) {
          await Promise.all(round.map((what) => perform(deps, book, what)))
          expect(await faultsOf(world)).toEqual([])
          expect([...(await stored(world))].sort()).toEqual([...book.held].sort())
        }
        for (const host of hosts) {
          await ok(autoAssign(world.deps, request({ host, handleID: `end-${host}`, num4: 40 })))
        }
        expect(await affinityFaultsOf(world)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })
})
