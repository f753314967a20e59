import { describe, expect, test } from 'vitest'
import type { SetOwnerAttributesRequest } from '../../src/ipam.ts'
import { getAssignmentAttributes } from '../../src/operations/assignment-attributes.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { setOwnerAttributes } from '../../src/operations/set-owner-attributes.ts'
import { datastoreError } from '../../src/ports/index.ts'
import {
  assignRequest,
  faultsOf,
  ok,
  poolOf,
  put,
  refused,
  valuesOf,
  type World,
  worldOf,
} from './world.ts'

const ip = '10.0.0.0'
const source = { pod: 'source', namespace: 'd', node: 'n1' }
const target = { pod: 'target', namespace: 'd', node: 'n2' }
const ownerOf = (attrs: { pod: string; namespace: string }) =>
  ({ tag: 'Owner', namespace: attrs.namespace, name: attrs.pod }) as const
const empty = { tag: 'Empty' } as const

type Change = Omit<SetOwnerAttributesRequest, 'ip' | 'handleID'>
const request = (change: Change): SetOwnerAttributesRequest => ({ ip, handleID: 'h1', ...change })

/** h1 holds two addresses in one call, the source being their active owner. */
const assigned = async (): Promise<World> => {
  const world = await worldOf({ pools: [poolOf('10.0.0.0/28', 28)] })
  await ok(autoAssign(world.deps, assignRequest({ num4: 2, attrs: source })))
  world.calls.length = 0
  return world
}
const writes = (world: World) => world.calls.filter((call) => call.tag === 'Commit').length
const owners = async (world: World, of = ip) => {
  const { attrs, alternateOwnerAttrs } = await ok(getAssignmentAttributes(world.deps, of))
  return { active: attrs, alternate: alternateOwnerAttrs }
}

describe('a migration', () => {
  test('the target is announced, promoted, and all addresses of the call go along', async () => {
    const world = await assigned()
    const announce = { alternate: { set: target }, expectedAlternate: empty }
    await ok(setOwnerAttributes(world.deps, request(announce)))
    expect(await owners(world)).toEqual({ active: source, alternate: target })
    const promote = {
      active: { set: target },
      alternate: { clear: true },
      expectedActive: ownerOf(source),
      expectedAlternate: ownerOf(target),
    } as const
    await ok(setOwnerAttributes(world.deps, request(promote)))
    expect(await owners(world, '10.0.0.1')).toEqual({ active: target, alternate: undefined })
    expect(writes(world)).toBe(2)
    expect(await faultsOf(world)).toEqual([])
  })

  test('the block is one version further, and other entries are as they were', async () => {
    const world = await assigned()
    await ok(autoAssign(world.deps, assignRequest({ handleID: 'h2', attrs: { node: 'n1' } })))
    const [before] = await valuesOf(world, 'Block')
    await ok(setOwnerAttributes(world.deps, request({ active: { clear: true } })))
    const [after] = await valuesOf(world, 'Block')
    expect(after?.sequenceNumber).toBe((before?.sequenceNumber ?? 0n) + 1n)
    expect(after?.attributes).toEqual([{ handleID: 'h1' }, before?.attributes[1]])
  })

  test('the same again is no write', async () => {
    const world = await assigned()
    await ok(setOwnerAttributes(world.deps, request({ active: { set: source } })))
    await ok(setOwnerAttributes(world.deps, request({ alternate: { clear: true } })))
    await ok(setOwnerAttributes(world.deps, request({})))
    expect(writes(world)).toBe(0)
  })
})

describe('refused, and nothing is changed', () => {
  test.each<[string, SetOwnerAttributesRequest, string]>([
    [
      'active is somebody else',
      request({ active: { set: target }, expectedActive: ownerOf(target) }),
      'OwnerMismatch: update conflict: the active owner of 10.0.0.0 is not the expected one',
    ],
    [
      'active is not empty',
      request({ active: { set: target }, expectedActive: empty }),
      'OwnerMismatch: update conflict: the active owner of 10.0.0.0 is not the expected one',
    ],
    [
      'alternate is empty',
      request({
        active: { set: target },
        alternate: { clear: true },
        expectedAlternate: ownerOf(target),
      }),
      'OwnerMismatch: update conflict: the alternate owner of 10.0.0.0 is not the expected one',
    ],
    [
      'another handle',
      { ...request({ active: { set: target } }), handleID: 'h2' },
      'AddressNotAssigned: 10.0.0.0 is not assigned to handle h2',
    ],
    [
      'a free address',
      { ...request({ active: { set: target } }), ip: '10.0.0.9' },
      'AddressNotAssigned: 10.0.0.9 is not assigned to handle h1',
    ],
    [
      'no block',
      { ...request({ active: { set: target } }), ip: '192.168.0.1' },
      'AddressNotAssigned: 192.168.0.1 is not assigned to handle h1',
    ],
    [
      'no address',
      { ...request({ active: { set: target } }), ip: 'x' },
      "InvalidRequest: 'x' is not an IP address",
    ],
    [
      'both members of a pair',
      request({ alternate: { set: target, clear: true } as { readonly clear: true } }),
      'InvalidRequest: setting and clearing the alternate owner are mutually exclusive',
    ],
  ])('%s', async (_, one, expected) => {
    const world = await assigned()
    const { tag, message } = await refused(setOwnerAttributes(world.deps, one))
    expect(`${tag}: ${message}`).toBe(expected)
    expect(writes(world)).toBe(0)
  })

  test('the expectation of a side that is not updated does not count', async () => {
    const world = await assigned()
    const change = { alternate: { set: target }, expectedActive: ownerOf(target) }
    await ok(setOwnerAttributes(world.deps, request(change)))
    expect(await owners(world)).toEqual({ active: source, alternate: target })
  })
})

describe('others write too', () => {
  const before = (world: World, act: () => Promise<unknown>, isLost: boolean) => {
    const { datastore } = world.deps
    let isFirst = true
    const commit = ((...args) =>
      async () => {
        if (!isFirst) return datastore.commit(...args)()
        isFirst = false
        if (isLost) await datastore.commit(...args)()
        await act()
        if (!isLost) return datastore.commit(...args)()
        const error = datastoreError('OutcomeUnknown', 'cut')
        return { _tag: 'Left', left: { error, applied: [], current: [] } }
      }) as typeof datastore.commit
    return { ...world.deps, datastore: { ...datastore, commit } }
  }
  const move = request({ active: { set: target }, expectedActive: ownerOf(source) })

  test('a lost reply: our own work is recognised, although the expectation no longer holds', async () => {
    const world = await assigned()
    await ok(
      setOwnerAttributes(
        before(world, async () => {}, true),
        move,
      ),
    )
    expect(await owners(world)).toEqual({ active: target, alternate: undefined })
  })

  test('another allocation in the block: decided again on the new block', async () => {
    const world = await assigned()
    const act = () => ok(autoAssign(world.deps, assignRequest({ handleID: 'h2' })))
    await ok(setOwnerAttributes(before(world, act, false), move))
    expect(await faultsOf(world)).toEqual([])
  })

  test('another owner was faster: the expectation is checked again', async () => {
    const world = await assigned()
    const [block] = await valuesOf(world, 'Block')
    if (block === undefined) throw new Error('no block')
    const attributes = [{ handleID: 'h1', secondary: { pod: 'third', namespace: 'd' } }]
    const act = () => put(world, { kind: 'Block', cidr: block.cidr }, { ...block, attributes })
    const refusal = await refused(setOwnerAttributes(before(world, act, false), move))
    expect(refusal.tag).toBe('OwnerMismatch')
  })
})
