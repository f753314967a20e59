import { describe, expect, test } from 'vitest'
import type { ReleaseOptions } from '../../src/ipam.ts'
import { assignIP } from '../../src/operations/assign-ip.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { releaseIPs } from '../../src/operations/release-ips.ts'
import { datastoreError } from '../../src/ports/index.ts'
import {
  assignRequest,
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

const pool = poolOf('10.0.0.0/28', 28)
const small = [pool]

/** 10.0.0.0 and .1 belong to h1, .2 to h2. */
const assigned = async (options: WorldOptions = {}): Promise<World> => {
  const world = await worldOf({ pools: small, ...options })
  await ok(autoAssign(world.deps, assignRequest({ num4: 2 })))
  await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
  world.calls.length = 0
  return world
}

const commits = (world: World) => world.calls.filter((call) => call.tag === 'Commit').length
const handles = async (world: World) =>
  Object.fromEntries((await valuesOf(world, 'Handle')).map((one) => [one.id, one.blocks]))

describe('what goes', () => {
  test('single addresses; their handles count on', async () => {
    const world = await assigned()
    const options = [{ address: '10.0.0.1' }, { address: '10.0.0.2', handle: 'h2' }]
    expect(await ok(releaseIPs(world.deps, options))).toEqual({
      released: ['10.0.0.1', '10.0.0.2'],
      unallocated: [],
    })
    expect(await handles(world)).toEqual({ h1: { '10.0.0.0/28': 1 } })
    expect(await faultsOf(world)).toEqual([])
  })

  test('free and unknown addresses are success, and nothing is written', async () => {
    const world = await assigned()
    const options = ['10.0.0.9', '192.168.0.1', 'fd00::1'].map((address) => ({ address }))
    const addresses = options.map((one) => one.address)
    expect(await ok(releaseIPs(world.deps, options))).toEqual({
      released: addresses,
      unallocated: addresses,
    })
    expect(commits(world)).toBe(0)
  })

  test('one address in several spellings is one request: the last one', async () => {
    const world = await worldOf({ pools: [poolOf('fd00::/124', 124)] })
    await ok(autoAssign(world.deps, assignRequest({ num4: 0, num6: 1 })))
    const options = [
      { address: 'fd00::', handle: 'other' },
      { address: 'FD00:0::0', handle: 'h1' },
    ]
    expect(await ok(releaseIPs(world.deps, options))).toEqual({
      released: ['fd00::'],
      unallocated: [],
    })
  })

  test('an address without a handle', async () => {
    const world = await worldOf({ pools: small })
    await ok(assignIP(world.deps, { ip: '10.0.0.5', host: 'n1' }))
    expect((await ok(releaseIPs(world.deps, [{ address: '10.0.0.5' }]))).unallocated).toEqual([])
    expect(await faultsOf(world)).toEqual([])
  })

  test('a resting address is free for whoever releases it again', async () => {
    const world = await assigned({ config: { ipCooldownSeconds: 30 } })
    const options = [{ address: '10.0.0.2', handle: 'h2' }]
    expect((await ok(releaseIPs(world.deps, options))).unallocated).toEqual([])
    world.now += 5n * second
    expect((await ok(releaseIPs(world.deps, options))).unallocated).toEqual(['10.0.0.2'])
    expect(commits(world)).toBe(1)
  })

  test('in a pool that is disabled, and in one that is gone', async () => {
    const world = await assigned()
    await put(world, { kind: 'IPPool', name: pool.name }, { ...pool, disabled: true })
    expect((await ok(releaseIPs(world.deps, [{ address: '10.0.0.1' }]))).unallocated).toEqual([])
    await remove(world, { kind: 'IPPool', name: pool.name })
    const rest = [{ address: '10.0.0.0' }, { address: '10.0.0.2' }]
    expect((await ok(releaseIPs(world.deps, rest))).unallocated).toEqual([])
    expect(await faultsOf(world)).toEqual([])
  })
})

describe('refused, and nothing of that block is changed', () => {
  const sequenceOf = async (world: World, ordinal: number): Promise<bigint> =>
    (await valuesOf(world, 'Block'))[0]?.sequenceNumberForAllocation[String(ordinal)] ?? 0n

  test.each<[string, ReleaseOptions, string, string]>([
    [
      'another handle',
      { address: '10.0.0.1', handle: 'h2' },
      'HandleMismatch',
      'the given handle (h2) does not match (h1) when attempting to release IP 10.0.0.1',
    ],
    [
      'another sequence number',
      { address: '10.0.0.1', handle: 'h1', sequenceNumber: 7n },
      'SequenceNumberMismatch',
      'the given sequence number (7) does not match (1785578400000001000) when attempting to release IP 10.0.0.1',
    ],
    [
      'a sequence number, but the address is free',
      { address: '10.0.0.9', sequenceNumber: 7n },
      'SequenceNumberMismatch',
      'the given sequence number (7) does not match (0) when attempting to release IP 10.0.0.9',
    ],
  ])('%s', async (_, option, tag, message) => {
    const world = await assigned()
    const at = await sequenceOf(world, 1)
    const refusal = await refused(releaseIPs(world.deps, [{ address: '10.0.0.0' }, option]))
    const expected = message.replace('1785578400000001000', String(at))
    expect(refusal).toMatchObject({ tag, message: expected })
    expect(commits(world)).toBe(0)
  })

  test('a late release of an older owner leaves the new one alone', async () => {
    const world = await assigned({ pools: [poolOf('10.0.0.0/32', 32)] })
    const sequenceNumber = await sequenceOf(world, 0)
    const late = { address: '10.0.0.0', handle: 'h1', sequenceNumber }
    await ok(releaseIPs(world.deps, [late]))
    await ok(autoAssign(world.deps, assignRequest({ handleID: 'h1' })))
    expect((await refused(releaseIPs(world.deps, [late]))).tag).toBe('SequenceNumberMismatch')
    expect(await handles(world)).toEqual({ h1: { '10.0.0.0/32': 1 } })
  })

  test('other blocks are released all the same', async () => {
    const world = await worldOf({ pools: [poolOf('10.0.0.0/28', 31)] })
    await ok(autoAssign(world.deps, assignRequest({ num4: 4 })))
    const [one, other] = (await valuesOf(world, 'Block')).map((block) => block.cidr)
    const address = (cidr: string | undefined) => cidr?.replace('/31', '') ?? ''
    const options = [{ address: address(one), handle: 'x' }, { address: address(other) }]
    expect((await refused(releaseIPs(world.deps, options))).tag).toBe('HandleMismatch')
    expect(await handles(world)).toEqual({ h1: { [one as string]: 2, [other as string]: 1 } })
    expect(await faultsOf(world)).toEqual([])
  })

  test.each<[string, string]>([
    ['', 'a release needs an address'],
    ['10.0.0', "'10.0.0' is not an IP address"],
    ['10.0.0.01', "'10.0.0.01' is not an IP address"],
  ])('%j is no address', async (address, message) => {
    const world = await assigned()
    const refusal = await refused(releaseIPs(world.deps, [{ address: '10.0.0.0' }, { address }]))
    expect(refusal).toEqual({ tag: 'InvalidRequest', message })
    expect(world.calls).toEqual([])
  })
})

test('a stored block that is damaged keeps only its own addresses', async () => {
  const world = await assigned({ pools: [poolOf('10.0.0.0/28', 28), poolOf('10.9.0.0/28', 28)] })
  const { datastore } = world.deps
  const damaged = { kind: 'Block', cidr: '10.9.0.0/28' } as const
  const deps = {
    ...world.deps,
    datastore: {
      ...datastore,
      read: ((queries, options) => async () => {
        const isHit = queries.some(
          (query) => JSON.stringify(query) === JSON.stringify({ get: damaged }),
        )
        const error = datastoreError('Malformed', 'Block(10.9.0.0/28) is damaged', { key: damaged })
        return isHit ? { _tag: 'Left', left: error } : datastore.read(queries, options)()
      }) as typeof datastore.read,
    },
  }
  const options = [{ address: '10.9.0.1' }, { address: '10.0.0.2', handle: 'h2' }]
  expect(await releaseIPs(deps, options)()).toMatchObject({
    left: { family: 'datastore', error: { tag: 'Malformed' } },
  })
  expect(await handles(world)).toEqual({ h1: { '10.0.0.0/28': 2 } })
})

describe('waits on the datastore', () => {
  const known = { address: '10.0.0.2', handle: 'h2', blockHint: '10.0.0.0/28' }
  test.each<[string, boolean, ReleaseOptions, number]>([
    ['block and handle known', true, known, 2],
    ['block and handle known', false, known, 3],
    ['handle known', true, { address: '10.0.0.2', handle: 'h2' }, 3],
    ['handle known', false, { address: '10.0.0.2', handle: 'h2' }, 4],
    ['block known', true, { address: '10.0.0.2', blockHint: '10.0.0.0/28' }, 3],
    ['only the address', true, { address: '10.0.0.2' }, 4],
    ['a wrong block', true, { ...known, blockHint: '10.0.0.0/30' }, 3],
    ['not a block at all', true, { ...known, blockHint: 'x' }, 3],
  ])('%s, atomic commits: %s', async (_, atomic, option, waits) => {
    const world = await assigned({ atomic })
    await ok(releaseIPs(world.deps, [option]))
    expect(waitsOf(world)).toBe(waits)
    expect(await handles(world)).toEqual({ h1: { '10.0.0.0/28': 2 } })
  })
})
