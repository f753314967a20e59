import { describe, expect, test } from 'vitest'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { releaseIPs } from '../../src/operations/release-ips.ts'
import type { Observation } from '../../src/ports/index.ts'
import {
  assignRequest,
  ok,
  poolOf,
  put,
  remove,
  valuesOf,
  type World,
  waitsOf,
  worldOf,
} from './world.ts'

const pool = poolOf('10.0.0.0/28', 28)
const node = { kind: 'Node', name: 'n1' } as const

/** n1 holds one address in a block of its own; then the pool's selector changes. */
const cluster = async (nodeSelector: string, notes: Observation[] = []): Promise<World> => {
  const observe = (one: Observation) => {
    notes.push(one)
  }
  const world = await worldOf({ pools: [pool], observe })
  await ok(autoAssign(world.deps, assignRequest()))
  await put(world, { kind: 'IPPool', name: pool.name }, { ...pool, nodeSelector })
  world.calls.length = 0
  return world
}

const blocks = async (world: World) => (await valuesOf(world, 'Block')).map((one) => one.cidr)

describe('an empty block after a release', () => {
  test.each<[string, string, boolean, number]>([
    ['selects every node', 'all()', true, 2],
    ['selects every node, without saying so', '', true, 2],
    ['selects the node', 'host == "n1"', true, 3],
    ['does not select the node', 'host == "n2"', false, 4],
    ['has a selector nobody can parse', 'host ==', true, 3],
  ])('when its pool %s', async (_, nodeSelector, stays, waits) => {
    const world = await cluster(nodeSelector)
    await ok(releaseByHandle(world.deps, 'h1', { blocks: ['10.0.0.0/28'] }))
    expect(await blocks(world)).toEqual(stays ? ['10.0.0.0/28'] : [])
    expect(await valuesOf(world, 'BlockAffinity')).toHaveLength(stays ? 1 : 0)
    expect(waitsOf(world)).toBe(waits)
  })

  test('goes after releaseIPs too, and a note says so', async () => {
    const notes: Observation[] = []
    const world = await cluster('host == "n2"', notes)
    await ok(releaseIPs(world.deps, [{ address: '10.0.0.0', handle: 'h1' }]))
    expect(await blocks(world)).toEqual([])
    expect(notes).toContainEqual({
      tag: 'Note',
      operation: 'ensureConsistentAffinity',
      message:
        'empty block 10.0.0.0/28 of node n1, which pool pool-10-0-0-0-28 no longer selects, was given back',
    })
  })
})

describe('a block stays', () => {
  test('with addresses of others in it', async () => {
    const world = await worldOf({ pools: [pool] })
    await ok(autoAssign(world.deps, assignRequest()))
    await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
    await put(world, { kind: 'IPPool', name: pool.name }, { ...pool, nodeSelector: '!all()' })
    await ok(releaseByHandle(world.deps, 'h1'))
    expect(await blocks(world)).toEqual(['10.0.0.0/28'])
  })

  test('when the node is gone, or no enabled pool has it', async () => {
    const gone = await cluster('!all()')
    await remove(gone, node)
    await ok(releaseByHandle(gone.deps, 'h1'))
    expect(await blocks(gone)).toEqual(['10.0.0.0/28'])

    const disabled = await cluster('!all()')
    await put(disabled, { kind: 'IPPool', name: pool.name }, { ...pool, disabled: true })
    await ok(releaseByHandle(disabled.deps, 'h1'))
    expect(await blocks(disabled)).toEqual(['10.0.0.0/28'])
  })

  test('when it cannot be given back: the release itself has succeeded', async () => {
    const notes: Observation[] = []
    const world = await cluster('!all()', notes)
    const { datastore } = world.deps
    const read = ((queries, options) => {
      const isNode = queries.some((query) => 'get' in query && query.get.kind === 'Node')
      const error = {
        tag: 'Unauthorized',
        message: 'nodes are forbidden',
        retryable: false,
      } as const
      return isNode ? async () => ({ _tag: 'Left', left: error }) : datastore.read(queries, options)
    }) as typeof datastore.read
    const deps = { ...world.deps, datastore: { ...datastore, read } }
    expect((await ok(releaseByHandle(deps, 'h1'))).released).toEqual(['10.0.0.0'])
    const note = notes.find((one) => one.tag === 'Note')
    expect(note).toMatchObject({ message: expect.stringContaining('nodes are forbidden') })
  })
})
