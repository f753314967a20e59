import { describe, expect, test } from 'vitest'
import { assignIP } from '../../src/operations/assign-ip.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import { ok, poolOf, put, assignRequest as request, type World, waitsOf, worldOf } from './world.ts'

const world = (atomic: boolean): Promise<World> =>
  worldOf({ atomic, pools: [poolOf('10.0.0.0/16', 26), poolOf('fd00::/112', 122)] })

const waits = async (at: World, act: () => Promise<unknown>): Promise<number> => {
  at.calls.length = 0
  await act()
  return waitsOf(at)
}

/** Sequential waits on the datastore: atomic commits (etcd, SQLite), then one request per write. */
describe.each([
  { atomic: true, own: 3, fresh: 2, full: 3, both: 4, replay: 5, named: 3 },
  { atomic: false, own: 4, fresh: 5, full: 6, both: 6, replay: 5, named: 4 },
])('atomic commits: $atomic', ({ atomic, own, fresh, full, both, replay, named }) => {
  test('an address that claims a new block', async () => {
    const at = await world(atomic)
    expect(await waits(at, () => ok(autoAssign(at.deps, request())))).toBe(fresh)
  })

  test('an address from a block the host owns', async () => {
    const at = await world(atomic)
    await ok(autoAssign(at.deps, request()))
    const act = () => ok(autoAssign(at.deps, request({ handleID: 'h2' })))
    expect(await waits(at, act)).toBe(own)
  })

  test('a new block although the host has one, which is full', async () => {
    const at = await world(atomic)
    await ok(autoAssign(at.deps, request({ num4: 64 })))
    const act = () => ok(autoAssign(at.deps, request({ handleID: 'h2' })))
    expect(await waits(at, act)).toBe(full)
  })

  test('both families from own blocks: the blocks are read together', async () => {
    const at = await world(atomic)
    await ok(autoAssign(at.deps, request({ num6: 1 })))
    const act = () => ok(autoAssign(at.deps, request({ handleID: 'h2', num6: 1 })))
    expect(await waits(at, act)).toBe(both)
  })

  test('a replayed request', async () => {
    const at = await world(atomic)
    const again = request({ maxAllocToHandlePerIPVersion: 1 })
    await ok(autoAssign(at.deps, again))
    const reads = () => waits(at, () => ok(autoAssign(at.deps, again)))
    // Non-atomic: the commit stops at its first write, which is counted as two here.
    expect(await reads()).toBe(atomic ? replay : replay + 1)
  })

  test('a particular address in a block that exists', async () => {
    const at = await world(atomic)
    const [ip] = (await ok(autoAssign(at.deps, request()))).v4?.ips ?? []
    const block = ip?.replace(/\d+\/26$/, '') as string
    const last = Number(/(\d+)\/26$/.exec(ip as string)?.[1])
    const act = () =>
      ok(assignIP(at.deps, { ip: `${block}${last + 9}`, handleID: 'h2', host: 'n1' }))
    expect(await waits(at, act)).toBe(named)
  })
})

test('claiming never lists blocks, however many there are', async () => {
  const at = await worldOf({ pools: [poolOf('10.0.0.0/20', 26)] })
  for (let i = 0; i < 60; i += 1) {
    await put(at, { kind: 'Node', name: `m${i}` }, { name: `m${i}`, labels: {} })
    await ok(autoAssign(at.deps, request({ host: `m${i}`, handleID: `of-${i}` })))
  }
  at.calls.length = 0
  await ok(autoAssign(at.deps, request()))
  const queries = at.calls.flatMap((call) => (call.tag === 'Read' ? call.queries : []))
  expect(queries.filter((query) => 'list' in query && query.list === 'Block')).toEqual([])
  expect(queries.length).toBeLessThanOrEqual(5 + 8 + 16 + 32)
  expect(waitsOf(at)).toBeLessThanOrEqual(6)
})
