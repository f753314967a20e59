/** What can be asked about allocations: addresses of a handle, attributes of an address. */
import { describe, expect, test } from 'vitest'
import { getAssignmentAttributes } from '../../src/operations/assignment-attributes.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { ipsByHandle } from '../../src/operations/ips-by-handle.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import {
  assignRequest,
  ok,
  poolOf,
  put,
  refused,
  remove,
  second,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const pools = [poolOf('10.0.0.0/28', 29), poolOf('fd00::/124', 124)]
const attrs = { node: 'n1', pod: 'p', namespace: 'd' }

const assigned = async (change = {}, config = {}): Promise<World> => {
  const world = await worldOf({ pools, config })
  await ok(autoAssign(world.deps, assignRequest({ attrs, ...change })))
  return world
}

describe('ipsByHandle', () => {
  test('all addresses, in order of family, block and address', async () => {
    const world = await assigned({ num4: 10, num6: 2 })
    expect(await ok(ipsByHandle(world.deps, 'h1\r'))).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `10.0.0.${i}`),
      'fd00::',
      'fd00::1',
    ])
  })

  test('blocks that are gone are passed over', async () => {
    const world = await assigned({ num6: 1 })
    const [block] = await valuesOf(world, 'Block')
    await remove(world, { kind: 'Block', cidr: block?.cidr ?? '' })
    expect(await ok(ipsByHandle(world.deps, 'h1'))).toEqual(['fd00::'])
  })

  test('no such handle', async () => {
    const world = await worldOf()
    expect(await refused(ipsByHandle(world.deps, 'h9'))).toEqual({
      tag: 'HandleMissing',
      message: 'resource does not exist: IPAMHandleKey(id=h9)',
    })
  })
})

describe('getAssignmentAttributes', () => {
  test('handle and attributes; the handle ends at a carriage return', async () => {
    const world = await assigned({ handleID: 'h1\rx' })
    const [block] = await valuesOf(world, 'Block')
    const ip = block?.cidr.replace('/29', '') ?? ''
    expect(await ok(getAssignmentAttributes(world.deps, ip))).toEqual({ handleID: 'h1', attrs })
  })

  test('the second owner, and an allocation without a handle', async () => {
    const world = await worldOf({ pools })
    await ok(autoAssign(world.deps, { num6: 1, host: 'n1', intendedUse: 'Workload' }))
    const [block] = await valuesOf(world, 'Block')
    if (block === undefined) throw new Error('no block')
    const attributes = [{ alternateOwnerAttrs: { pod: 'q' } }]
    await put(world, { kind: 'Block', cidr: block.cidr }, { ...block, attributes })
    expect(await ok(getAssignmentAttributes(world.deps, 'FD00::'))).toEqual({
      attrs: {},
      alternateOwnerAttrs: { pod: 'q' },
    })
  })

  test.each<[string, string, string]>([
    ['192.168.0.1', 'AddressNotInPool', '192.168.0.1 is not in a configured and enabled pool'],
    [
      'fd00::9',
      'AddressNotAssigned',
      'resource does not exist: fd00::9 with error: IP is unassigned',
    ],
    ['x', 'InvalidRequest', "'x' is not an IP address"],
  ])('%s: %s', async (ip, tag, message) => {
    const world = await assigned({ num6: 1 })
    expect(await refused(getAssignmentAttributes(world.deps, ip))).toMatchObject({ tag, message })
  })

  test('no block yet', async () => {
    const world = await worldOf({ pools })
    expect(await refused(getAssignmentAttributes(world.deps, '10.0.0.9'))).toMatchObject({
      tag: 'AddressNotAssigned',
      message: 'resource does not exist: BlockKey(cidr=10.0.0.8/29)',
    })
  })

  test('in a disabled pool nothing is known', async () => {
    const world = await assigned({ num4: 0, num6: 1 })
    const [, pool] = pools
    if (pool === undefined) throw new Error('no pool')
    await put(world, { kind: 'IPPool', name: pool.name }, { ...pool, disabled: true })
    expect((await refused(getAssignmentAttributes(world.deps, 'fd00::'))).tag).toBe(
      'AddressNotInPool',
    )
  })

  test('resting, and then free', async () => {
    const world = await assigned({ num4: 0, num6: 1 }, { ipCooldownSeconds: 30 })
    await ok(releaseByHandle(world.deps, 'h1'))
    const ask = () => refused(getAssignmentAttributes(world.deps, 'fd00::'))
    expect(await ask()).toMatchObject({
      tag: 'AddressCoolingDown',
      message: 'address fd00:: is in cooldown',
    })
    world.now += 32n * second
    expect((await ask()).tag).toBe('AddressNotAssigned')
  })
})
