import { isLeft } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { describe, expect, test } from 'vitest'
import type { IPAMError } from '../../src/errors.ts'
import type { Block } from '../../src/model/block.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { claimAffinity } from '../../src/operations/claim-affinity.ts'
import type { Deps } from '../../src/operations/deps.ts'
import {
  releaseAffinity,
  releaseBlockAffinity,
  releaseHostAffinities,
  releasePoolAffinities,
} from '../../src/operations/release-affinity.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { removeIPAMHost } from '../../src/operations/remove-host.ts'
import type { Datastore, Write } from '../../src/ports/index.ts'
import {
  affinityFaultsOf,
  assignRequest,
  blockWith,
  faultsOf,
  ok,
  poolOf,
  put,
  refused,
  remove,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const n1 = { type: 'host', host: 'n1' } as const
const cidr = '10.0.0.0/28'
const pools = [poolOf('10.0.0.0/24', 28), poolOf('fd00::/120', 124)]

/** n1 owns two blocks of each family, n2 one; with `held`, a pod on n1 has 10.0.0.0. */
const cluster = async (held: boolean, atomic = true): Promise<World> => {
  const world = await worldOf({ atomic, pools })
  for (const one of [cidr, '10.0.0.16/28', 'fd00::/124', 'fd00::10/124']) {
    await ok(claimAffinity(world.deps, one, n1))
  }
  await ok(claimAffinity(world.deps, '10.0.0.32/28', { type: 'host', host: 'n2' }))
  if (held) await ok(autoAssign(world.deps, assignRequest()))
  world.calls.length = 0
  return world
}

const stateOf = async (world: World) => ({
  blocks: (await valuesOf(world, 'Block')).map((one) => `${one.cidr} ${one.affinity ?? 'nobody'}`),
  affinities: (await valuesOf(world, 'BlockAffinity')).map(
    (one) => `${one.host} ${one.cidr} ${one.state}`,
  ),
})
const blockOf = async (world: World): Promise<Block | undefined> =>
  (await valuesOf(world, 'Block')).find((one) => one.cidr === cidr)

const others = {
  blocks: [
    '10.0.0.16/28 host:n1',
    '10.0.0.32/28 host:n2',
    'fd00::/124 host:n1',
    'fd00::10/124 host:n1',
  ],
  affinities: [
    'n1 10.0.0.16/28 confirmed',
    'n1 fd00::/124 confirmed',
    'n1 fd00::10/124 confirmed',
    'n2 10.0.0.32/28 confirmed',
  ],
}

describe.each([true, false])('releaseBlockAffinity, atomic commits: %s', (atomic) => {
  test('an empty block goes with its affinity', async () => {
    const world = await cluster(false, atomic)
    await ok(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: true }))
    expect(await stateOf(world)).toEqual(others)
  })

  test('one with addresses stays when it must be empty', async () => {
    const world = await cluster(true, atomic)
    const before = await stateOf(world)
    expect(await refused(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: true }))).toEqual({
      tag: 'BlockNotEmpty',
      message: `block '${cidr}' is not empty`,
    })
    expect(await stateOf(world)).toEqual(before)
  })

  test('one with addresses loses its owner, and goes with its last address', async () => {
    const world = await cluster(true, atomic)
    const before = await blockOf(world)
    await ok(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: false }))
    const block = await blockOf(world)
    expect(block).not.toHaveProperty('affinity')
    expect(block).not.toHaveProperty('affinityClaimTime')
    expect(block?.sequenceNumber).toBe((before?.sequenceNumber ?? 0n) + 1n)
    expect(await faultsOf(world)).toEqual([])
    await ok(releaseByHandle(world.deps, 'h1'))
    expect(await stateOf(world)).toEqual(others)
  })

  test('addresses kept for a Windows host do not make a block non-empty', async () => {
    const world = await worldOf({ atomic, pools })
    const block = { ...blockWith(cidr, 'host:n1'), allocations: [0, ...Array(15).fill(null)] }
    const attributes = [{ handleID: 'Windows-Reserved-IPAM-Handle' }]
    await put(
      world,
      { kind: 'Block', cidr },
      { ...block, attributes, unallocated: block.unallocated.slice(1) },
    )
    await put(world, { kind: 'BlockAffinity', ...n1, cidr }, { ...n1, cidr, state: 'confirmed' })
    await ok(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: true }))
    expect(await stateOf(world)).toEqual({ blocks: [], affinities: [] })
  })
})

describe('releaseBlockAffinity: nothing to do', () => {
  test.each(['10.0.0.48/28', '10.99.0.0/28'])('%s is no block', async (text) => {
    const world = await cluster(false)
    await ok(releaseBlockAffinity(world.deps, text, { mustBeEmpty: true }))
    expect(world.calls.map((call) => call.tag)).toEqual(['Read'])
  })

  test('a block that nobody owns', async () => {
    const world = await cluster(true)
    await ok(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: false }))
    const before = await stateOf(world)
    await ok(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: false }))
    expect(await stateOf(world)).toEqual(before)
  })

  test('a CIDR that is not one', async () => {
    const world = await cluster(false)
    const failure = await refused(
      releaseBlockAffinity(world.deps, '10.0.0.7/28', { mustBeEmpty: true }),
    )
    expect(failure.tag).toBe('InvalidRequest')
  })
})

describe('remains of interrupted claims and releases', () => {
  test('an affinity without a block goes, whatever its state', async () => {
    const world = await cluster(false)
    await remove(world, { kind: 'Block', cidr })
    await ok(releaseHostAffinities(world.deps, n1, { mustBeEmpty: true }))
    expect((await stateOf(world)).affinities).toEqual(['n2 10.0.0.32/28 confirmed'])
  })

  test('a block that names an owner without an affinity is cleared by its CIDR', async () => {
    const world = await cluster(false)
    await remove(world, { kind: 'BlockAffinity', ...n1, cidr })
    await ok(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: true }))
    expect(await stateOf(world)).toEqual(others)
  })

  test('only what is such a remain, when that is what was asked for', async () => {
    const world = await cluster(false)
    const whole = await stateOf(world)
    const how = { mustBeEmpty: false, mustBeStale: true }
    await ok(releaseBlockAffinity(world.deps, cidr, how))
    expect(await stateOf(world)).toEqual(whole)
    await remove(world, { kind: 'BlockAffinity', ...n1, cidr })
    await ok(releaseBlockAffinity(world.deps, cidr, how))
    expect(await stateOf(world)).toEqual(others)
  })

  test('an affinity for the block of another owner goes, the block stays', async () => {
    const world = await cluster(false)
    const stale = { ...n1, cidr: '10.0.0.32/28', state: 'confirmed' } as const
    await put(world, { kind: 'BlockAffinity', ...n1, cidr: stale.cidr }, stale)
    await ok(releaseHostAffinities(world.deps, n1, { mustBeEmpty: true }))
    expect(await stateOf(world)).toEqual({
      blocks: ['10.0.0.32/28 host:n2'],
      affinities: ['n2 10.0.0.32/28 confirmed'],
    })
  })
})

describe('many blocks', () => {
  test('a host: both families, and no other host', async () => {
    const world = await cluster(false)
    await ok(releaseHostAffinities(world.deps, n1, { mustBeEmpty: true }))
    expect(await stateOf(world)).toEqual({
      blocks: ['10.0.0.32/28 host:n2'],
      affinities: ['n2 10.0.0.32/28 confirmed'],
    })
  })

  test('a host: what can go goes, and the failure is told', async () => {
    const world = await cluster(true)
    const failure = await refused(releaseHostAffinities(world.deps, n1, { mustBeEmpty: true }))
    expect(failure.tag).toBe('BlockNotEmpty')
    const { affinities } = await stateOf(world)
    expect(affinities).toEqual([`n1 ${cidr} confirmed`, 'n2 10.0.0.32/28 confirmed'])
  })

  test('a host that is gone: its addresses stay until they are released', async () => {
    const world = await cluster(true)
    await ok(removeIPAMHost(world.deps, 'n1'))
    expect(await stateOf(world)).toEqual({
      blocks: [`${cidr} nobody`, '10.0.0.32/28 host:n2'],
      affinities: ['n2 10.0.0.32/28 confirmed'],
    })
    expect(await faultsOf(world)).toEqual([])
    await ok(removeIPAMHost(world.deps, 'n1'))
    await ok(removeIPAMHost(world.deps, 'never-there'))
  })

  test('a pool: every host, and virtual owners, whether empty or not', async () => {
    const world = await cluster(true)
    await ok(claimAffinity(world.deps, '10.0.0.48/28', { type: 'virtual', host: 'load-balancer' }))
    await ok(releasePoolAffinities(world.deps, '10.0.0.0/24'))
    expect(await stateOf(world)).toEqual({
      blocks: [`${cidr} nobody`, 'fd00::/124 host:n1', 'fd00::10/124 host:n1'],
      affinities: ['n1 fd00::/124 confirmed', 'n1 fd00::10/124 confirmed'],
    })
  })

  test("a CIDR of a host: what lies in it, and the first block that can't go ends it", async () => {
    const world = await cluster(true)
    await ok(releaseAffinity(world.deps, '10.0.0.16/28', 'n1', { mustBeEmpty: true }))
    expect((await stateOf(world)).affinities).not.toContain('n1 10.0.0.16/28 confirmed')
    const failure = await refused(
      releaseAffinity(world.deps, '10.0.0.0/24', 'n1', { mustBeEmpty: true }),
    )
    expect(failure.tag).toBe('BlockNotEmpty')
    expect((await stateOf(world)).affinities).toContain('n2 10.0.0.32/28 confirmed')
  })

  test.each<[string, string]>([
    ['10.5.0.0/24', 'The requested CIDR (10.5.0.0/24) is not within any configured pools.'],
    ['10.0.0.0/29', 'The requested CIDR (10.0.0.0/29) is smaller than the minimum.'],
    ['x', "'x' is not a CIDR (an IP address, '/', and a prefix length)"],
  ])('%s is refused', async (text, message) => {
    const world = await cluster(false)
    const failure = await refused(releaseAffinity(world.deps, text, 'n1', { mustBeEmpty: true }))
    expect(failure.message).toBe(message)
  })

  test.each<[string, (deps: Deps) => TaskEither<IPAMError, void>]>([
    [
      'releaseHostAffinities',
      (deps) => releaseHostAffinities(deps, { ...n1, host: '' }, { mustBeEmpty: false }),
    ],
    ['removeIPAMHost', (deps) => removeIPAMHost(deps, '')],
    ['releasePoolAffinities', (deps) => releasePoolAffinities(deps, 'everything')],
  ])('%s of nothing in particular is refused', async (_, act) => {
    const world = await cluster(false)
    expect((await refused(act(world.deps))).tag).toBe('InvalidRequest')
    expect(await stateOf(world)).toEqual(await stateOf(await cluster(false)))
  })
})

describe('interrupted', () => {
  const steps = async (world: World): Promise<string[]> => {
    await ok(releaseBlockAffinity(world.deps, cidr, { mustBeEmpty: false }))
    return world.calls.flatMap((call) =>
      call.tag === 'Commit'
        ? [call.writes.map((one) => `${one.op} ${one.key.kind}`).join(', ')]
        : [],
    )
  }

  test('routing hears of it first, where commits are not atomic', async () => {
    expect(await steps(await cluster(false, false))).toEqual([
      'update BlockAffinity, delete Block',
      'delete BlockAffinity',
    ])
    expect(await steps(await cluster(true, true))).toEqual(['update Block, delete BlockAffinity'])
  })

  /** Lets `count` writes through, one by one, then calls `then` once. */
  const after = (world: World, count: number, then: () => Promise<unknown>): Deps => {
    let left = count
    let isOver = false
    const { datastore } = world.deps
    const commit: Datastore['commit'] = (writes: ReadonlyArray<Write>, options) => async () => {
      const head = writes.slice(0, isOver ? writes.length : left)
      left -= head.length
      if (head.length === writes.length) return datastore.commit(writes, options)()
      const applied = head.length === 0 ? [] : (await ok(datastore.commit(head))).revisions
      isOver = true
      await then()
      const rest = await datastore.commit(writes.slice(head.length))()
      if (isLeft(rest))
        return { _tag: 'Left', left: { ...rest.left, applied: [...applied, ...rest.left.applied] } }
      return { _tag: 'Right', right: { revisions: [...applied, ...rest.right.revisions] } }
    }
    return { ...world.deps, datastore: { ...datastore, commit } }
  }

  const kill = async () => {
    throw new Error('killed')
  }

  test.each([0, 1, 2])('killed after %i writes: the next release completes it', async (count) => {
    const world = await cluster(false, false)
    const killed = releaseBlockAffinity(after(world, count, kill), cidr, { mustBeEmpty: true })
    await expect(killed()).rejects.toThrow('killed')
    await ok(releaseHostAffinities(world.deps, n1, { mustBeEmpty: true }))
    expect((await stateOf(world)).affinities).toEqual(['n2 10.0.0.32/28 confirmed'])
  })

  test.each([0, 1, 2])('killed after %i writes: the host goes on with it', async (count) => {
    const world = await cluster(false, false)
    const killed = releaseBlockAffinity(after(world, count, kill), cidr, { mustBeEmpty: true })
    await expect(killed()).rejects.toThrow('killed')
    // More than the other block holds, so that this one is needed whatever is left of it.
    await ok(autoAssign(world.deps, assignRequest({ num4: 20 })))
    expect(await faultsOf(world)).toEqual([])
    expect(await affinityFaultsOf(world)).toEqual([])
  })

  test.each([0, 1])(
    'an address is taken after %i writes: the block stays, and confirmed',
    async (count) => {
      const world = await cluster(false, false)
      const take = () => ok(autoAssign(world.deps, assignRequest({ num4: 20 })))
      const release = releaseBlockAffinity(after(world, count, take), cidr, { mustBeEmpty: true })
      expect((await refused(release)).tag).toBe('BlockNotEmpty')
      expect((await blockOf(world))?.affinity).toBe('host:n1')
      expect(await faultsOf(world)).toEqual([])
      expect(await affinityFaultsOf(world)).toEqual([])
    },
  )

  test('an address is taken although the block need not be empty: it stays without an owner', async () => {
    const world = await cluster(false, false)
    const take = () => ok(autoAssign(world.deps, assignRequest({ num4: 20 })))
    await ok(releaseBlockAffinity(after(world, 1, take), cidr, { mustBeEmpty: false }))
    expect((await stateOf(world)).blocks).toContain(`${cidr} nobody`)
    expect(await faultsOf(world)).toEqual([])
    expect(await affinityFaultsOf(world)).toEqual([])
  })

  test('the owner took up a half-released block: it is announced again that the block goes', async () => {
    const world = await cluster(false, false)
    const pending = { ...n1, cidr, state: 'pendingDeletion' } as const
    await put(world, { kind: 'BlockAffinity', ...n1, cidr }, pending)
    const take = async () => {
      await ok(autoAssign(world.deps, assignRequest({ num4: 20 })))
      world.calls.length = 0
    }
    await ok(releaseBlockAffinity(after(world, 0, take), cidr, { mustBeEmpty: false }))
    const commits = world.calls.flatMap((call) =>
      call.tag === 'Commit' ? [call.writes.map((one) => `${one.op} ${one.key.kind}`)] : [],
    )
    expect(commits.slice(1)).toEqual([
      ['update BlockAffinity', 'update Block'],
      ['delete BlockAffinity'],
    ])
    expect(await faultsOf(world)).toEqual([])
  })
})
