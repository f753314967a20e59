// A handle that counts more than its blocks hold, as garbage collection puts it right.
import { describe, expect, test } from 'vitest'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { recountHandle } from '../../src/operations/recount-handle.ts'
import { type Fault, withFault } from './faults.ts'
import {
  faultsOf,
  ok,
  poolOf,
  put,
  assignRequest as request,
  tagsOf,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const cidr = '10.0.0.0/30'
const gone = '10.0.0.8/30'

describe.each([true, false])('atomic commits: %s', (atomic) => {
  /** h1 holds one address, and counts so many. */
  const counting = async (blocks: Readonly<Record<string, number>>): Promise<World> => {
    const world = await worldOf({ atomic, pools: [poolOf('10.0.0.0/28', 30)] })
    await ok(autoAssign(world.deps, request()))
    await put(world, { kind: 'Handle', id: 'h1' }, { id: 'h1', blocks })
    return world
  }
  const revisionOf = async (world: World): Promise<string> => {
    const [found] = await ok(world.store.read([{ get: { kind: 'Handle', id: 'h1' } }]))
    return found?.revision as string
  }
  const recount = async (world: World, revision?: string): Promise<boolean> =>
    ok(
      recountHandle(world.deps, {
        handleID: 'h1',
        revision: revision ?? (await revisionOf(world)),
      }),
    )

  test.each([
    ['too many in its block', { [cidr]: 3 }],
    ['a block that is gone', { [cidr]: 1, [gone]: 2 }],
    ['both', { [cidr]: 2, [gone]: 1 }],
  ])('%s', async (_, blocks) => {
    const world = await counting(blocks)
    expect(await recount(world)).toBe(true)
    expect(await faultsOf(world)).toEqual([])
    expect(await recount(world)).toBe(false)
  })

  test('a handle that is right, that was written since, or that is not there: nothing', async () => {
    const right = await counting({ [cidr]: 1 })
    expect(await recount(right)).toBe(false)
    const wrong = await counting({ [cidr]: 2 })
    const seen = await revisionOf(wrong)
    await put(wrong, { kind: 'Handle', id: 'h1' }, { id: 'h1', blocks: { [cidr]: 3 } })
    expect(await recount(wrong, seen)).toBe(false)
    expect((await valuesOf(wrong, 'Handle'))[0]?.blocks).toEqual({ [cidr]: 3 })
    expect(await ok(recountHandle(wrong.deps, { handleID: 'h9', revision: '1' }))).toBe(false)
    expect(await tagsOf(recountHandle(wrong.deps, { handleID: '', revision: '1' }))).toBe(
      'InvalidRequest',
    )
  })

  test('one that counted before and takes its address now must count again', async () => {
    const world = await counting({ [cidr]: 1 })
    const { datastore } = world.deps
    let isDone = false
    const deps = {
      ...world.deps,
      datastore: {
        ...datastore,
        // The count is written; before the block is, the handle is counted again.
        commit: ((writes, options) => async () => {
          if (atomic || isDone) return datastore.commit(writes, options)()
          const first = await datastore.commit(writes.slice(0, 1), options)()
          if (first._tag === 'Left') return first
          isDone = true
          expect(await recount(world)).toBe(true)
          const rest = await datastore.commit(writes.slice(1), options)()
          if (rest._tag === 'Right') throw new Error('the block was not rewritten')
          return { ...rest, left: { ...rest.left, applied: first.right.revisions } }
        }) as typeof datastore.commit,
      },
    }
    await ok(autoAssign(deps, request()))
    expect(await faultsOf(world)).toEqual([])
  })

  const faults: ReadonlyArray<Fault> = ['Refused', 'RequestLost', 'ReplyLost', 'Cut', 'Delayed']
  test.each(faults)('a commit goes wrong: %s', async (fault) => {
    const world = await counting({ [cidr]: 2, [gone]: 1 })
    const handle = { handleID: 'h1', revision: await revisionOf(world) }
    await ok(recountHandle(withFault(world, fault, 0), handle))
    await recount(world)
    expect(await faultsOf(world)).toEqual([])
  })
})
