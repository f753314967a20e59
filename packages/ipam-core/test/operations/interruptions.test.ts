import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { describe, expect, test } from 'vitest'
import type { IPAMError } from '../../src/errors.ts'
import { assignIP } from '../../src/operations/assign-ip.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { type Fault, Killed, killedAfter, withFault } from './faults.ts'
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
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const pools = [poolOf('10.0.0.0/28', 30)]

/** Fills all blocks but those named with addresses of n2. */
const crowd = async (world: World, num4: number): Promise<void> => {
  await ok(autoAssign(world.deps, request({ host: 'n2', handleID: 'of-n2', num4 })))
}

/** One more request of every host, for more than there is: each meets all of its own blocks. */
const everyoneAsks = async (world: World): Promise<void> => {
  for (const host of ['n1', 'n2']) {
    await ok(autoAssign(world.deps, request({ host, handleID: `again-${host}`, num4: 20 })))
  }
}

interface Scenario {
  readonly name: string
  readonly prepare: (world: World) => Promise<void>
  readonly act: (deps: Deps) => TaskEither<IPAMError, unknown>
  /** Addresses that `act` takes. */
  readonly takes: number
}

const assigns = (num4: number) => (deps: Deps) => autoAssign(deps, request({ num4 }))

const emptyBlockOfOther = async (world: World): Promise<void> => {
  const cidrs = ['10.0.0.0/30', '10.0.0.4/30', '10.0.0.8/30', '10.0.0.12/30']
  for (const cidr of cidrs) {
    const block = blockWith(cidr, 'host:n2', startOfTime - 100n * second)
    await put(world, { kind: 'Block', cidr }, block)
    const affinity = { type: 'host', host: 'n2', cidr, state: 'confirmed' } as const
    await put(world, { kind: 'BlockAffinity', ...affinity }, affinity)
  }
}

const pendingClaim = async (world: World): Promise<void> => {
  const affinity = { type: 'host', host: 'n1', cidr: '10.0.0.8/30', state: 'pending' } as const
  await put(world, { kind: 'BlockAffinity', ...affinity }, affinity)
}

const blockOfOther = async (world: World): Promise<void> => {
  const block = blockWith('10.0.0.8/30', 'host:n2')
  await put(world, { kind: 'Block', cidr: '10.0.0.8/30' }, block)
  const affinity = { type: 'host', host: 'n2', cidr: '10.0.0.8/30', state: 'confirmed' } as const
  await put(world, { kind: 'BlockAffinity', ...affinity }, affinity)
}

const staleClaim = async (world: World): Promise<void> => {
  await pendingClaim(world)
  await blockOfOther(world)
}

const scenarios: ReadonlyArray<Scenario> = [
  { name: 'a new block', prepare: async () => {}, act: assigns(1), takes: 1 },
  {
    name: 'an own block',
    prepare: async (world) => {
      await ok(autoAssign(world.deps, request({ handleID: 'h0' })))
    },
    act: assigns(1),
    takes: 1,
  },
  { name: 'several blocks', prepare: async () => {}, act: assigns(10), takes: 10 },
  { name: 'a borrowed address', prepare: (world) => crowd(world, 13), act: assigns(1), takes: 1 },
  { name: 'an empty block of another', prepare: emptyBlockOfOther, act: assigns(5), takes: 5 },
  { name: 'an interrupted claim', prepare: pendingClaim, act: assigns(5), takes: 5 },
  { name: 'a stale claim', prepare: staleClaim, act: assigns(9), takes: 9 },
  {
    name: 'a particular address in a new block',
    prepare: async () => {},
    act: (deps) => assignIP(deps, { ip: '10.0.0.6', handleID: 'h1', host: 'n1' }),
    takes: 1,
  },
  {
    name: 'a particular address in a block of another',
    prepare: blockOfOther,
    act: (deps) => assignIP(deps, { ip: '10.0.0.11', handleID: 'h1', host: 'n1' }),
    takes: 1,
  },
]

const taken = async (world: World, handleID: string): Promise<number> => {
  const blocks = await valuesOf(world, 'Block')
  const mine = blocks.flatMap((block) =>
    block.allocations.filter((i) => i !== null && block.attributes[i]?.handleID === handleID),
  )
  return mine.length
}

describe.each([true, false])('atomic commits: %s', (atomic) => {
  describe.each(scenarios)('$name', ({ prepare, act, takes }) => {
    test('killed between any two writes, what is left is repaired by what comes next', async () => {
      for (let writes = 0; writes < 100; writes += 1) {
        const world = await worldOf({ atomic, pools })
        await prepare(world)
        const isDone = await act(killedAfter(world, writes))()
          .then(() => true)
          .catch((error: unknown) => {
            if (error instanceof Killed) return false
            throw error
          })
        // The runtime takes the failed container away, and another one comes.
        await tagsOf(releaseByHandle(world.deps, 'h1'))
        expect(await taken(world, 'h1')).toBe(0)
        const next = await ok(autoAssign(world.deps, request({ handleID: 'h2' })))
        expect(next.v4?.ips).toHaveLength(1)
        expect(await faultsOf(world)).toEqual([])
        await everyoneAsks(world)
        expect(await affinityFaultsOf(world)).toEqual([])
        expect(await faultsOf(world)).toEqual([])
        if (isDone) return
      }
      throw new Error('never done')
    })

    /** In a block that is gone, because a commit of ours may yet make it. */
    const mayCount = (fault: string): boolean => !atomic && /: \d+, not undefined$/.test(fault)

    const faults: ReadonlyArray<Fault> = ['Refused', 'RequestLost', 'ReplyLost', 'Cut', 'Delayed']
    test.each(faults)('a commit goes wrong: %s', async (fault) => {
      for (const readsFail of [false, true]) {
        for (let index = 0; index < 20; index += 1) {
          const world = await worldOf({ atomic, pools })
          await prepare(world)
          world.calls.length = 0
          await ok(act(withFault(world, fault, index, readsFail)))
          expect(await taken(world, 'h1')).toBe(takes)
          expect((await faultsOf(world)).filter((one) => !mayCount(one))).toEqual([])
          // A claim that arrives when nobody waits for it any more is repaired by the next request.
          if (fault === 'Delayed') await everyoneAsks(world)
          expect(await affinityFaultsOf(world)).toEqual([])
          if (world.calls.filter((call) => call.tag === 'Commit').length <= index) break
        }
      }
    })
  })
})
