// Another address for an identity: the new one first, the old one last, never none.
import { describe, expect, test } from 'vitest'
import type { RepinFixedRequest } from '../../src/ipam.ts'
import { assignIP } from '../../src/operations/assign-ip.ts'
import type { Deps } from '../../src/operations/deps.ts'
import { parkFixed } from '../../src/operations/fixed-holder.ts'
import { recountHandle } from '../../src/operations/recount-handle.ts'
import { repinFixed } from '../../src/operations/repin-fixed.ts'
import type { Datastore } from '../../src/ports/index.ts'
import { type Fault, killedAfter, withFault } from './faults.ts'
import { handleID, owned, pools, startFixed, survived, takeOver } from './fixed-world.ts'
import { faultsOf, ok, poolOf, put, tagsOf, valuesOf, type World, worldOf } from './world.ts'

const ask = (ip: string, change: Partial<RepinFixedRequest> = {}): RepinFixedRequest => ({
  handleID,
  epoch: 1,
  holderID: 'net.c1',
  host: 'n1',
  ip,
  ...change,
})

const repin = (at: World, ip: string, change: Partial<RepinFixedRequest> = {}) =>
  ok(repinFixed(at.deps, ask(ip, change)))

/** As garbage collection does it with a handle that has counted too much for long enough. */
const collected = async (at: World): Promise<void> => {
  const [handle] = await ok(at.store.read([{ get: { kind: 'Handle', id: handleID } }]))
  if (handle !== undefined)
    await ok(recountHandle(at.deps, { handleID, revision: handle.revision }))
}

const bare = (ip = '') => ip.split('/')[0] as string

/** Another container takes the identity over just before the commit with this index. */
const overtaken = (at: World, index: number): Deps => {
  let commits = 0
  const datastore: Datastore = {
    ...at.deps.datastore,
    commit: (writes, options) => async () => {
      if (commits === index) await takeOver(at, 'net.c2')
      commits += 1
      return at.deps.datastore.commit(writes, options)()
    },
  }
  return { ...at.deps, datastore }
}

/** In the same block as the first address, in another block of the pool, and of the other family. */
const wishes = ['same block', '10.0.0.200', 'fd00::77'] as const

describe.each([true, false])('atomic commits: %s', (atomic) => {
  const started = async () => {
    const at = await worldOf({ atomic, pools })
    const ips = await startFixed(at, 'net.c1')
    return { at, ips }
  }

  const wished = (wish: string, ips: ReadonlyArray<string>) => {
    const [v4 = ''] = ips
    const next = Number(bare(v4).split('.')[3]) ^ 1
    return wish === 'same block' ? bare(v4).replace(/\d+$/, String(next)) : wish
  }

  test.each(wishes)('%s: the address is exchanged, the other family stays', async (wish) => {
    const { at, ips } = await started()
    const ip = wished(wish, ips)
    const old = ips.find((one) => one.includes(':') === ip.includes(':'))
    expect(await repin(at, ip)).toEqual([bare(old)])
    const hold = await takeOver(at, 'net.c2')
    const other = ips.filter((one) => one !== old).map(bare)
    expect(hold?.ips.map(bare).toSorted()).toEqual([ip, ...other].toSorted())
    expect(hold?.epoch).toBe(2)
    expect(await faultsOf(at)).toEqual([])
  })

  test('the address it has already: nothing is written', async () => {
    const { at, ips } = await started()
    const before = await valuesOf(at, 'Block')
    expect(await repin(at, bare(ips[0]))).toEqual([])
    expect(await valuesOf(at, 'Block')).toEqual(before)
  })

  test('parked addresses, by whoever saw them parked', async () => {
    const { at, ips } = await started()
    await ok(parkFixed(at.deps, { handleID, holderID: 'net.c1' }))
    const { holderID: _, ...seen } = ask('10.0.0.200')
    expect(await ok(repinFixed(at.deps, seen))).toEqual([bare(ips[0])])
    const states = [...(await owned(at)).values()]
    expect(states.map((state) => [state?.epoch, state?.holder])).toEqual([
      [1, undefined],
      [1, undefined],
    ])
  })

  test.each([
    ['10.0.0.200', 'AddressInUse'],
    ['10.9.9.9', 'AddressNotInPool'],
    ['192.168.0.7', 'AddressNotInPool'],
    ['ten', 'InvalidRequest'],
  ])('%s cannot be had: %s, and the identity keeps what it has', async (ip, tag) => {
    const { at, ips } = await started()
    await put(at, { kind: 'IPPool', name: 'off' }, poolOf('10.9.0.0/16', 26, { disabled: true }))
    await ok(assignIP(at.deps, { ip: '10.0.0.200', handleID: 'somebody', host: 'n1' }))
    expect(await tagsOf(repinFixed(at.deps, ask(ip)))).toBe(tag)
    expect((await takeOver(at, 'net.c2'))?.ips).toEqual(ips)
    expect(await faultsOf(at)).toEqual([])
  })

  test('whoever has been replaced changes nothing', async () => {
    const { at } = await started()
    const hold = await takeOver(at, 'net.c2')
    const before = await valuesOf(at, 'Block')
    expect(await tagsOf(repinFixed(at.deps, ask('10.0.0.200')))).toBe('OwnerMismatch')
    const sameEpoch = ask('10.0.0.200', { epoch: 2 })
    expect(await tagsOf(repinFixed(at.deps, sameEpoch))).toBe('OwnerMismatch')
    expect(await valuesOf(at, 'Block')).toEqual(before)
    expect((await takeOver(at, 'net.c3'))?.ips).toEqual(hold?.ips)
  })

  test('replaced before the new one was taken: that goes back, and the old one stays', async () => {
    const { at, ips } = await started()
    const deps = overtaken(at, 0)
    expect(await tagsOf(repinFixed(deps, ask('10.0.0.200')))).toBe('OwnerMismatch')
    expect((await owned(at)).size).toBe(2)
    expect((await takeOver(at, 'net.c3'))?.ips).toEqual(ips)
    expect(await faultsOf(at)).toEqual([])
  })

  test('half taken over, by one that was interrupted: that one counts', async () => {
    const { at, ips } = await started()
    const deps = killedAfter(at, 1)
    await survived(takeOver({ ...at, deps }, 'net.c2'))
    expect(await tagsOf(repinFixed(at.deps, ask('10.0.0.200')))).toBe('OwnerMismatch')
    expect((await takeOver(at, 'net.c3'))?.ips).toEqual(ips)
  })

  test.each([0, 1, 2])(
    'replaced after %s of its commits: one address per family, the same',
    async (n) => {
      const { at, ips } = await started()
      await repinFixed(overtaken(at, n), ask('10.0.0.200'))()
      const hold = await takeOver(at, 'net.c3')
      // Taken over with both addresses, the next incarnation asks for the same and ends it.
      const [first] = (hold?.ips ?? []).map(bare).filter((ip) => ip !== bare(ips[0]))
      if ((hold?.ips.length ?? 0) > 2 && first !== undefined) {
        await repin(at, '10.0.0.200', { epoch: hold?.epoch ?? 0, holderID: 'net.c3' })
      }
      expect((await owned(at)).size).toBe(2)
      await takeOver(at, 'net.c4')
      expect(await faultsOf(at)).toEqual([])
    },
  )

  test.each(wishes)('%s: killed between any two writes, the next start ends it', async (wish) => {
    for (let writes = 0; writes < 30; writes += 1) {
      const { at, ips } = await started()
      const ip = wished(wish, ips)
      const isDone = await survived(repinFixed(killedAfter(at, writes), ask(ip))())
      expect((await owned(at)).size).toBeGreaterThanOrEqual(2)
      const hold = await takeOver(at, 'net.c2')
      await repin(at, ip, { epoch: hold?.epoch ?? 0, holderID: 'net.c2' })
      const after = await takeOver(at, 'net.c3')
      expect(after?.ips).toHaveLength(2)
      expect(after?.ips.map(bare)).toContain(ip)
      await collected(at)
      expect(await faultsOf(at)).toEqual([])
      if (isDone) return
    }
    throw new Error('never done')
  })

  test('killed, and then nobody wants another address any more: the next start has both, once', async () => {
    for (let writes = 0; writes < 30; writes += 1) {
      const { at, ips } = await started()
      const isDone = await survived(repinFixed(killedAfter(at, writes), ask('10.0.0.200'))())
      const hold = await takeOver(at, 'net.c2')
      if (isDone) return
      const seen = { epoch: hold?.epoch ?? 0, holderID: 'net.c2' }
      if (hold?.ips.includes(ips[0] as string)) await repin(at, bare(ips[0]), seen)
      expect((await owned(at)).size).toBe(2)
      await takeOver(at, 'net.c3')
      await collected(at)
      expect(await faultsOf(at)).toEqual([])
    }
    throw new Error('never done')
  })

  const faults: ReadonlyArray<Fault> = ['Refused', 'RequestLost', 'ReplyLost', 'Cut', 'Delayed']
  test.each(faults)('a commit goes wrong: %s', async (fault) => {
    for (const readsFail of [false, true]) {
      for (let index = 0; index < 6; index += 1) {
        const { at, ips } = await started()
        await ok(repinFixed(withFault(at, fault, index, readsFail), ask('10.0.0.200')))
        const hold = await takeOver(at, 'net.c2')
        expect(hold?.ips.map(bare).toSorted()).toEqual(['10.0.0.200', bare(ips[1])].toSorted())
        expect(await faultsOf(at)).toEqual([])
      }
    }
  })
})
