import { describe, expect, test } from 'vitest'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { ipsByHandle } from '../../src/operations/ips-by-handle.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import {
  assignRequest,
  blockWith,
  faultsOf,
  ok,
  poolOf,
  put,
  refused,
  remove,
  second,
  valuesOf,
  type World,
  type WorldOptions,
  waitsOf,
  worldOf,
} from './world.ts'

const dual = [poolOf('10.0.0.0/24', 28), poolOf('fd00::/112', 124)]
const small = [poolOf('10.0.0.0/28', 28)]

/** One handle with addresses of both families; the calls so far are forgotten. */
const assigned = async (options: WorldOptions = {}, change = {}): Promise<World> => {
  const world = await worldOf({ pools: dual, ...options })
  await ok(autoAssign(world.deps, assignRequest(change)))
  world.calls.length = 0
  return world
}

const blockCIDRs = async (world: World) => (await valuesOf(world, 'Block')).map((one) => one.cidr)

describe('what goes', () => {
  test('everything of both families, and the handle', async () => {
    const world = await assigned({}, { num4: 2, num6: 1 })
    const ips = await ok(ipsByHandle(world.deps, 'h1'))
    expect(ips).toHaveLength(3)
    const { released, unallocated } = await ok(releaseByHandle(world.deps, 'h1'))
    expect([...released].sort()).toEqual([...ips].sort())
    expect(unallocated).toEqual([])
    expect(await valuesOf(world, 'Handle')).toEqual([])
    expect(await faultsOf(world)).toEqual([])
    const blocks = await valuesOf(world, 'Block')
    expect(blocks.map((one) => one.unallocated.length)).toEqual([16, 16])
    expect(blocks.map((one) => one.attributes)).toEqual([[], []])
  })

  test('nothing of anybody else', async () => {
    const world = await assigned({ pools: small })
    await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
    await ok(releaseByHandle(world.deps, 'h1'))
    expect(await ok(ipsByHandle(world.deps, 'h2'))).toEqual(['10.0.0.1'])
    expect(await faultsOf(world)).toEqual([])
  })

  test('the id ends at a carriage return, in the request and in the block', async () => {
    const world = await assigned({ pools: small })
    const [block] = await valuesOf(world, 'Block')
    if (block === undefined) throw new Error('no block')
    const attributes = block.attributes.map((one) => ({ ...one, handleID: 'h1\r\nx' }))
    await put(world, { kind: 'Block', cidr: block.cidr }, { ...block, attributes })
    const { released } = await ok(releaseByHandle(world.deps, 'h1\rother'))
    expect(released).toEqual(['10.0.0.0'])
  })

  test('addresses rest for the cooldown, and the handle is gone', async () => {
    const world = await assigned({ pools: small, config: { ipCooldownSeconds: 60 } })
    await ok(releaseByHandle(world.deps, 'h1'))
    const [block] = await valuesOf(world, 'Block')
    expect(block?.attributes).toEqual([{ releasedAt: expect.stringMatching(/Z$/) }])
    expect(await valuesOf(world, 'Handle')).toEqual([])
    await refused(releaseByHandle(world.deps, 'h1'))
    world.now += 62n * second
    await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
    const [later] = await valuesOf(world, 'Block')
    expect(later?.unallocated.at(-1)).toBe(0)
  })

  test('an unowned block goes with its last address, not before', async () => {
    const world = await assigned({ pools: small })
    await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
    const [block] = await valuesOf(world, 'Block')
    if (block === undefined) throw new Error('no block')
    const { affinity: _, affinityClaimTime: __, ...unowned } = block
    await put(world, { kind: 'Block', cidr: block.cidr }, unowned)
    await ok(releaseByHandle(world.deps, 'h1'))
    expect(await blockCIDRs(world)).toEqual(['10.0.0.0/28'])
    await ok(releaseByHandle(world.deps, 'h2'))
    expect(await blockCIDRs(world)).toEqual([])
    expect(await valuesOf(world, 'Handle')).toEqual([])
  })
})

describe('what is not there', () => {
  test('no such handle', async () => {
    const world = await worldOf()
    expect(await refused(releaseByHandle(world.deps, 'h9'))).toEqual({
      tag: 'HandleMissing',
      message: 'resource does not exist: IPAMHandleKey(id=h9)',
    })
  })

  test.each(['', '\rdamage'])('%j is no handle', async (id) => {
    const world = await assigned()
    const refusal = { tag: 'InvalidRequest', message: 'a handle id must not be empty' }
    expect(await refused(releaseByHandle(world.deps, id))).toEqual(refusal)
    expect(await refused(ipsByHandle(world.deps, id))).toEqual(refusal)
    expect(world.calls).toEqual([])
  })

  test('twice: the second time there is no such handle, and nothing is written', async () => {
    const world = await assigned()
    await ok(releaseByHandle(world.deps, 'h1'))
    world.calls.length = 0
    expect((await refused(releaseByHandle(world.deps, 'h1'))).tag).toBe('HandleMissing')
    expect(world.calls.filter((call) => call.tag === 'Commit')).toEqual([])
  })

  test('hints that are no blocks, or blocks of others, do no harm', async () => {
    const world = await assigned()
    await put(world, { kind: 'Block', cidr: '10.0.9.0/28' }, blockWith('10.0.9.0/28', 'host:n2'))
    const blocks = ['nonsense', '10.0.9.0/28', '10.7.0.0/16', 'fd00::5']
    expect((await ok(releaseByHandle(world.deps, 'h1', { blocks }))).released).toHaveLength(1)
    expect(await faultsOf(world)).toEqual([])
  })

  test('a handle that was lost: its addresses are found in the blocks named', async () => {
    const world = await assigned({ pools: small })
    await remove(world, { kind: 'Handle', id: 'h1' })
    const hints = { blocks: ['10.0.0.0/28'] }
    expect(await ok(releaseByHandle(world.deps, 'h1', hints))).toEqual({
      released: ['10.0.0.0'],
      unallocated: [],
    })
    expect(await faultsOf(world)).toEqual([])
  })
})

describe('handles that count what is not there', () => {
  const stale = async (blocks: Record<string, number>) => {
    const world = await assigned({ pools: small })
    await put(world, { kind: 'Handle', id: 'h1' }, { id: 'h1', blocks })
    return world
  }

  test.each<[string, Record<string, number>]>([
    ['more than the block holds', { '10.0.0.0/28': 7 }],
    ['a block that is gone', { '10.0.0.0/28': 1, '10.9.0.0/28': 3 }],
    ['less than the block holds', { '10.0.0.0/28': 0 }],
  ])('%s', async (_, blocks) => {
    const world = await stale(blocks)
    expect((await ok(releaseByHandle(world.deps, 'h1'))).released).toEqual(['10.0.0.0'])
    expect(await valuesOf(world, 'Handle')).toEqual([])
  })

  test('only stale entries: the handle goes, with a rewrite of the block that is there', async () => {
    const world = await assigned({ pools: small })
    const gone = { id: 'h9', blocks: { '10.0.0.0/28': 1, '10.9.0.0/28': 1 } }
    await put(world, { kind: 'Handle', id: 'h9' }, gone)
    const [before] = await valuesOf(world, 'Block')
    expect((await ok(releaseByHandle(world.deps, 'h9'))).released).toEqual([])
    const [after] = await valuesOf(world, 'Block')
    expect(after?.sequenceNumber).toBe((before?.sequenceNumber ?? 0n) + 1n)
    expect((await valuesOf(world, 'Handle')).map((one) => one.id)).toEqual(['h1'])
    expect(await faultsOf(world)).toEqual([])
  })
})

describe('waits on the datastore', () => {
  const hints = { blocks: ['10.0.0.0/28'] }
  test.each([
    { atomic: true, hint: hints, waits: 2 },
    { atomic: true, hint: {}, waits: 3 },
    { atomic: false, hint: hints, waits: 3 },
    { atomic: false, hint: {}, waits: 4 },
  ])('atomic commits: $atomic, block known: $hint', async ({ atomic, hint, waits }) => {
    const world = await assigned({ atomic, pools: small })
    await ok(releaseByHandle(world.deps, 'h1', hint))
    expect(waitsOf(world)).toBe(waits)
    expect(await valuesOf(world, 'Handle')).toEqual([])
  })

  test('nothing is ever listed but the pools', async () => {
    const world = await assigned({}, { num6: 1 })
    await ok(releaseByHandle(world.deps, 'h1'))
    const lists = world.calls.flatMap((call) =>
      call.tag === 'Read' ? call.queries.filter((query) => 'list' in query) : [],
    )
    expect(lists).toEqual([{ list: 'IPPool' }])
  })

  test('commits stay within the size that a datastore accepts', async () => {
    const pools = [poolOf('10.0.0.0/24', 30)]
    const world = await assigned({ pools, limits: { writesPerCommitMax: 5 } }, { num4: 70 })
    await ok(releaseByHandle(world.deps, 'h1'))
    const sizes = world.calls.flatMap((one) => (one.tag === 'Commit' ? [one.writes.length] : []))
    expect(Math.max(...sizes)).toBe(5)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(19)
    expect(await faultsOf(world)).toEqual([])
    expect(await valuesOf(world, 'Handle')).toEqual([])
  })
})
