// A running container's addresses become its identity's, in place.
import { describe, expect, test } from 'vitest'
import { parkFixed } from '../../src/operations/fixed-holder.ts'
import { freezeFixed } from '../../src/operations/freeze-fixed.ts'
import { releaseByHandle } from '../../src/operations/release-by-handle.ts'
import { type Fault, killedAfter, withFault } from './faults.ts'
import {
  allocations,
  handleID,
  identity,
  owned,
  pools,
  startFixed,
  startOrdinary,
  survived,
  takeOver,
} from './fixed-world.ts'
import { faultsOf, ok, refused, startOfTime, tagsOf, valuesOf, waitsOf, worldOf } from './world.ts'

const request = { fromHandleID: 'net.c1', handleID, identity }

describe.each([true, false])('atomic commits: %s', (atomic) => {
  const world = () => worldOf({ atomic, pools })

  test('the addresses stay in their slots, and the container is their holder', async () => {
    const at = await world()
    const ips = await startOrdinary(at, 'net.c1')
    const before = [...(await allocations(at)).keys()]
    const hold = await ok(freezeFixed(at.deps, request))
    expect(hold?.ips).toEqual(ips)
    expect(hold?.epoch).toBe(Number(startOfTime / 1_000_000n))
    const state = { identity, epoch: hold?.epoch, holder: { id: 'net.c1', node: 'n1' } }
    expect([...(await owned(at))]).toEqual(before.map((slot) => [slot, state]))
    expect(await faultsOf(at)).toEqual([])
    const handles = (await valuesOf(at, 'Handle')).map(({ id }) => id)
    expect(handles).toEqual([handleID])
  })

  test('what upstream’s collection goes by is gone: neither pod nor namespace is named', async () => {
    const at = await world()
    await startOrdinary(at, 'net.c1')
    await ok(freezeFixed(at.deps, request))
    const attrs = (await valuesOf(at, 'Block')).flatMap((block) => block.attributes)
    for (const { secondary = {} } of attrs) {
      expect(Object.keys(secondary)).not.toContain('pod')
      expect(Object.keys(secondary)).not.toContain('namespace')
    }
  })

  test('neighbours in the same block are left alone', async () => {
    const at = await world()
    await startOrdinary(at, 'net.c0')
    await startOrdinary(at, 'net.c1')
    await startOrdinary(at, 'net.c2')
    const others = async () => [...(await allocations(at))].filter(([, one]) => !one.state)
    const before = (await others()).filter(([, { handle }]) => handle !== 'net.c1')
    await ok(freezeFixed(at.deps, request))
    expect(await others()).toEqual(before)
    expect(await faultsOf(at)).toEqual([])
  })

  test('the container’s end finds nothing to release, and parks', async () => {
    const at = await world()
    const ips = await startOrdinary(at, 'net.c1')
    const hold = await ok(freezeFixed(at.deps, request))
    const blocks = ips.map((ip) => ip.replace(/\.\d+\//, '.0/'))
    expect(await tagsOf(releaseByHandle(at.deps, 'net.c1', { blocks }))).toBe('HandleMissing')
    expect(await ok(parkFixed(at.deps, { handleID, holderID: 'net.c1' }))).toEqual(ips)
    expect(await takeOver(at, 'net.c2')).toEqual({ ips, epoch: (hold?.epoch ?? 0) + 1 })
  })

  test('again it changes nothing; a container without addresses has nothing to freeze', async () => {
    const at = await world()
    const nobody = { ...request, fromHandleID: 'net.c9' }
    expect(await ok(freezeFixed(at.deps, nobody))).toBeUndefined()
    await startOrdinary(at, 'net.c1')
    const hold = await ok(freezeFixed(at.deps, request))
    const before = await valuesOf(at, 'Block')
    expect(await ok(freezeFixed(at.deps, request))).toEqual(hold)
    expect(await valuesOf(at, 'Block')).toEqual(before)
    expect(await ok(freezeFixed(at.deps, nobody))).toBeUndefined()
  })

  test('an identity that has an address of the family already is told so, and nothing moves', async () => {
    const at = await world()
    const [ip = ''] = await startFixed(at, 'net.c0')
    await startOrdinary(at, 'net.c1')
    const before = await valuesOf(at, 'Block')
    const refusal = await refused(freezeFixed(at.deps, request))
    expect(refusal.tag).toBe('HandleLimit')
    expect(refusal.message).toContain(`${identity} has the fixed address ${ip.split('/')[0]}`)
    expect(await valuesOf(at, 'Block')).toEqual(before)
  })

  test.each([
    { ...request, fromHandleID: '' },
    { ...request, handleID: '' },
    { ...request, identity: '' },
    { ...request, fromHandleID: handleID },
  ])('%j is no request', async (odd) => {
    expect(await tagsOf(freezeFixed((await world()).deps, odd))).toBe('InvalidRequest')
  })

  test('killed between any two writes: nothing is lost, and asking again completes it', async () => {
    for (let writes = 0; writes < 20; writes += 1) {
      const at = await world()
      const ips = await startOrdinary(at, 'net.c1')
      const slots = [...(await allocations(at)).keys()]
      const isDone = await survived(freezeFixed(killedAfter(at, writes), request)())
      expect([...(await allocations(at)).keys()]).toEqual(slots)
      expect(await ok(freezeFixed(at.deps, request))).toEqual({ ips, epoch: expect.any(Number) })
      expect([...(await owned(at)).keys()]).toEqual(slots)
      expect(await faultsOf(at)).toEqual([])
      if (isDone) return
    }
    throw new Error('never done')
  })

  const faults: ReadonlyArray<Fault> = ['Refused', 'RequestLost', 'ReplyLost', 'Cut', 'Delayed']
  test.each(faults)('a commit goes wrong: %s', async (fault) => {
    for (const readsFail of [false, true]) {
      const at = await world()
      const ips = await startOrdinary(at, 'net.c1')
      const hold = await ok(freezeFixed(withFault(at, fault, 0, readsFail), request))
      expect(hold).toEqual({ ips, epoch: expect.any(Number) })
      expect(await faultsOf(at)).toEqual([])
    }
  })

  test('the container is released at the same time: one of the two happens, entirely', async () => {
    const at = await world()
    const ips = await startOrdinary(at, 'net.c1')
    const [hold] = await Promise.all([
      ok(freezeFixed(at.deps, request)),
      tagsOf(releaseByHandle(at.deps, 'net.c1')),
    ])
    const left = (await owned(at)).size
    expect(hold === undefined ? 0 : hold.ips.length).toBe(left)
    if (atomic) expect([0, ips.length]).toContain(left)
    expect(await faultsOf(at)).toEqual([])
  })
})

test('the cost: two reads and one commit, no list', async () => {
  const at = await worldOf({ pools })
  await startOrdinary(at, 'net.c1')
  at.calls.length = 0
  await ok(freezeFixed(at.deps, request))
  expect(waitsOf(at)).toBe(3)
  const queries = at.calls.flatMap((call) => (call.tag === 'Read' ? call.queries : []))
  expect(queries.filter((query) => 'list' in query)).toEqual([])
})
