import { describe, expect, test } from 'vitest'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { getUtilization } from '../../src/operations/utilization.ts'
import { assignRequest, blockWith, ok, poolOf, put, refused, worldOf } from './world.ts'

const four = poolOf('10.0.0.0/24', 28, { name: 'four' })
const six = poolOf('fd00::/64', 124, { name: 'six' })
const orphans = { name: 'orphaned allocation blocks', cidr: '0.0.0.0/0', blocks: [] }

test('empty pools; a size beyond exact numbers stops at the largest one', async () => {
  const world = await worldOf({ pools: [four, six] })
  const most = Number.MAX_SAFE_INTEGER
  expect(await ok(getUtilization(world.deps))).toEqual([
    {
      name: 'four',
      cidr: '10.0.0.0/24',
      capacity: 256,
      inUse: 0,
      reserved: 0,
      available: 256,
      blocks: [],
    },
    {
      name: 'six',
      cidr: 'fd00::/64',
      capacity: most,
      inUse: 0,
      reserved: 0,
      available: most,
      blocks: [],
    },
    orphans,
  ])
  expect(world.calls).toHaveLength(1)
})

test('blocks, allocations and reservations, in blocks and outside', async () => {
  const world = await worldOf({
    pools: [poolOf('10.0.0.0/26', 28, { name: 'four' })],
    // One address that will be allocated, two free in the block (one twice), the last block whole.
    reserved: ['10.0.0.1/32', '10.0.0.14/31', '10.0.0.15', '10.0.0.48/28', '192.168.0.0/16'],
  })
  const block = {
    ...blockWith('10.0.0.0/28', 'host:n1'),
    unallocated: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  }
  const allocations = Array.from({ length: 16 }, (_, i) => (i < 2 ? 0 : null))
  await put(
    world,
    { kind: 'Block', cidr: block.cidr },
    { ...block, allocations, attributes: [{ handleID: 'h' }] },
  )
  const [pool] = await ok(getUtilization(world.deps, ['four']))
  expect(pool).toEqual({
    name: 'four',
    cidr: '10.0.0.0/26',
    capacity: 64,
    inUse: 2,
    reserved: 19,
    available: 12 + 32,
    blocks: [{ cidr: '10.0.0.0/28', capacity: 16, inUse: 2, reserved: 3, available: 12 }],
  })
})

test('a resting address is in use', async () => {
  const world = await worldOf({ pools: [four], config: { ipCooldownSeconds: 9 } })
  await ok(autoAssign(world.deps, assignRequest()))
  await ok(releaseByHandle(world.deps, 'h1'))
  expect((await ok(getUtilization(world.deps)))[0]).toMatchObject({ inUse: 1, available: 255 })
})

describe('which pools', () => {
  test.each<[string[], string[]]>([
    [[], ['four', 'six', 'orphaned allocation blocks']],
    [['six'], ['six']],
    [['10.0.0.0/24'], ['four']],
    [
      ['FD00:0::/64', 'four', 'six'],
      ['four', 'six'],
    ],
  ])('%j', async (wanted, names) => {
    const world = await worldOf({ pools: [four, six] })
    expect((await ok(getUtilization(world.deps, wanted))).map((one) => one.name)).toEqual(names)
  })

  test('one that does not exist is refused', async () => {
    const world = await worldOf({ pools: [four] })
    expect(await refused(getUtilization(world.deps, ['four', 'five']))).toEqual({
      tag: 'NotFound',
      message: "there is no pool with the name or CIDR 'five'",
    })
  })

  test('blocks of no pool come last; a block belongs to the first pool it overlaps', async () => {
    const wide = poolOf('10.0.0.0/16', 28, { name: 'wide' })
    const world = await worldOf({ pools: [four, wide] })
    for (const cidr of ['10.0.0.0/28', '10.0.9.0/28', '172.16.0.0/28', 'fd00::/124']) {
      await put(world, { kind: 'Block', cidr }, blockWith(cidr, 'host:n1'))
    }
    const all = await ok(getUtilization(world.deps))
    expect(all.map((one) => [one.name, ...one.blocks.map((block) => block.cidr)])).toEqual([
      ['four', '10.0.0.0/28'],
      ['wide', '10.0.9.0/28'],
      ['orphaned allocation blocks', '172.16.0.0/28', 'fd00::/124'],
    ])
  })

  test('a block larger than the pool counts inside the pool only', async () => {
    const tiny = poolOf('10.0.0.0/30', 30, { name: 'tiny', disabled: true })
    const world = await worldOf({ pools: [tiny] })
    await put(world, { kind: 'Block', cidr: '10.0.0.0/28' }, blockWith('10.0.0.0/28', 'host:n1'))
    const [pool] = await ok(getUtilization(world.deps))
    expect(pool).toMatchObject({ capacity: 4, inUse: 0, available: 16 })
  })
})
