// Fixed addresses go back only as they were seen; what has been taken over since stays.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parkFixed } from '../../src/operations/fixed-holder.ts'
import { releaseFixed } from '../../src/operations/release-fixed.ts'
import type { Datastore } from '../../src/ports/index.ts'
import { type Fault, killedAfter, withFault } from './faults.ts'
import { handleID, owned, pools, startFixed, survived, takeOver } from './fixed-world.ts'
import { faultsOf, ok, tagsOf, valuesOf, type World, worldOf } from './world.ts'

const bare = (ips: ReadonlyArray<string>) => ips.map((ip) => ip.split('/')[0])
const park = (at: World, holderID: string) => ok(parkFixed(at.deps, { handleID, holderID }))

describe.each([true, false])('atomic commits: %s', (atomic) => {
  const parked = async () => {
    const at = await worldOf({ atomic, pools })
    const ips = await startFixed(at, 'net.c1')
    await park(at, 'net.c1')
    return { at, ips }
  }

  test('parked and at the epoch that was seen: all of it goes, and the handle too', async () => {
    const { at, ips } = await parked()
    const released = await ok(releaseFixed(at.deps, { handleID, epoch: 1 }))
    expect(released.toSorted()).toEqual(bare(ips).toSorted())
    expect((await owned(at)).size).toBe(0)
    expect(await valuesOf(at, 'Handle')).toEqual([])
    expect(await ok(releaseFixed(at.deps, { handleID, epoch: 1 }))).toEqual([])
  })

  test.each([
    ['it is held', { epoch: 1 }, false],
    ['another epoch', { epoch: 2 }, true],
    ['somebody else holds it', { epoch: 1, holderID: 'net.c2' }, false],
    ['it was parked since', { epoch: 1, holderID: 'net.c1' }, true],
  ])('%s: nothing goes', async (_, seen, isParked) => {
    const at = await worldOf({ atomic, pools })
    await startFixed(at, 'net.c1')
    if (isParked) await park(at, 'net.c1')
    const before = await valuesOf(at, 'Block')
    expect(await ok(releaseFixed(at.deps, { handleID, ...seen }))).toEqual([])
    expect(await valuesOf(at, 'Block')).toEqual(before)
  })

  test('one of two addresses has been taken over: none goes', async () => {
    const { at } = await parked()
    const deps = killedAfter(at, 1)
    await survived(takeOver({ ...at, deps }, 'net.c2'))
    const before = await valuesOf(at, 'Block')
    const goes = await ok(releaseFixed(at.deps, { handleID, epoch: 1 }))
    expect(goes).toEqual([])
    expect(await valuesOf(at, 'Block')).toEqual(before)
  })

  test('single addresses, as their holder sees them', async () => {
    const at = await worldOf({ atomic, pools })
    const [v4 = '', v6 = ''] = await startFixed(at, 'net.c1')
    const seen = { handleID, epoch: 1, holderID: 'net.c1' }
    expect(await ok(releaseFixed(at.deps, { ...seen, ips: [v6] }))).toEqual(bare([v6]))
    expect((await takeOver(at, 'net.c2'))?.ips).toEqual([v4])
    expect(await ok(releaseFixed(at.deps, { ...seen, ips: [] }))).toEqual([])
    expect(await faultsOf(at)).toEqual([])
  })

  test('a take-over that comes between the look and the write wins', async () => {
    const { at, ips } = await parked()
    let isFirst = true
    const late: Datastore = {
      ...at.deps.datastore,
      commit: (writes, options) => async () => {
        if (isFirst) await takeOver(at, 'net.c2')
        isFirst = false
        return at.deps.datastore.commit(writes, options)()
      },
    }
    const deps = { ...at.deps, datastore: late }
    expect(await ok(releaseFixed(deps, { handleID, epoch: 1 }))).toEqual([])
    expect(await takeOver(at, 'net.c3')).toEqual({ ips, epoch: 3 })
    expect(await faultsOf(at)).toEqual([])
  })

  test('an empty handle is no request', async () => {
    const { at } = await parked()
    expect(await tagsOf(releaseFixed(at.deps, { handleID: '', epoch: 1 }))).toBe('InvalidRequest')
  })

  test('killed between any two writes, asking again completes it', async () => {
    for (let writes = 0; writes < 20; writes += 1) {
      const { at } = await parked()
      const isDone = await survived(releaseFixed(killedAfter(at, writes), { handleID, epoch: 1 })())
      await ok(releaseFixed(at.deps, { handleID, epoch: 1 }))
      expect((await owned(at)).size).toBe(0)
      expect(await valuesOf(at, 'Handle')).toEqual([])
      expect(await faultsOf(at)).toEqual([])
      if (isDone) return
    }
    throw new Error('never done')
  })

  const faults: ReadonlyArray<Fault> = ['Refused', 'RequestLost', 'ReplyLost', 'Cut', 'Delayed']
  test.each(faults)('a commit goes wrong: %s', async (fault) => {
    for (const readsFail of [false, true]) {
      const { at, ips } = await parked()
      const deps = withFault(at, fault, 0, readsFail)
      const released = await ok(releaseFixed(deps, { handleID, epoch: 1 }))
      expect(released.toSorted()).toEqual(bare(ips).toSorted())
      expect((await owned(at)).size).toBe(0)
      expect(await faultsOf(at)).toEqual([])
    }
  })

  test('starts, ends and releases in any order: who holds it never loses it', async () => {
    const step = fc.record({
      what: fc.constantFrom('start' as const, 'end' as const, 'release' as const),
      id: fc.constantFrom('c1', 'c2', 'c3'),
      epoch: fc.integer({ min: 1, max: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const at = await worldOf({ atomic, pools })
        let ips = await startFixed(at, 'c1')
        let epoch = 1
        let holder: string | undefined = 'c1'
        for (const { what, id, epoch: seen } of steps) {
          if (what === 'end') {
            await park(at, id)
            if (holder === id) holder = undefined
          } else if (what === 'start') {
            const hold = await takeOver(at, id)
            if (hold === undefined) ips = await startFixed(at, id)
            else expect(hold.ips).toEqual(ips)
            epoch = hold?.epoch ?? 1
            holder = id
          } else {
            const released = await ok(releaseFixed(at.deps, { handleID, epoch: seen }))
            const isFree = holder === undefined && seen === epoch
            if (!isFree) expect(released).toEqual([])
          }
          if (holder !== undefined) expect((await owned(at)).size).toBe(2)
        }
      }),
      { numRuns: 40 },
    )
  })
})
