// Addresses of an identity: taken over by each new incarnation, parked, never lost, never shared.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createIPAM, fixedAttrs, fixedKeys, fixedStateOf, type IPAM } from '../../src/index.ts'
import { MemoryStore } from '../../src/memory/index.ts'
import type { CommitFailure, Datastore, Write } from '../../src/ports/index.ts'

const handleID = 'hc-fixed.shop.redis-0'
const identity = 'shop/StatefulSet/redis/redis-0'

const pool = (name: string, cidr: string, blockSize: number) => ({
  name,
  cidr,
  blockSize,
  disabled: false,
  terminating: false,
  allocatable: true,
  nodeSelector: 'all()',
  allowedUses: ['Workload'],
  assignmentMode: 'Automatic',
  ipipMode: 'Never',
  vxlanMode: 'Never',
  natOutgoing: false,
  disableBGPExport: false,
})

interface Place {
  readonly store: Datastore
  readonly ipam: IPAM
}

const placeWith = async (atomicCommit: boolean): Promise<Place> => {
  const store = new MemoryStore({ atomicCommit }).open()
  const writes = [
    ...[pool('v4', '10.0.0.0/24', 27), pool('v6', 'fd00::/120', 125)].map((value) => ({
      op: 'create',
      key: { kind: 'IPPool', name: value.name },
      value,
    })),
    ...['n1', 'n2', 'n3'].map((name) => ({
      op: 'create',
      key: { kind: 'Node', name },
      value: { name, labels: {} },
    })),
  ] as unknown as ReadonlyArray<Write>
  for (const write of writes) await store.commit([write])()
  return { store, ipam: createIPAM({ datastore: store }) }
}

/** The first commit waits on its way; when it has arrived, the process that sent it is gone. */
const lateCommits = (store: Datastore) => {
  let tell = (): void => {}
  let arrive = (): void => {}
  const sent = new Promise<void>((resolve) => {
    tell = resolve
  })
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const commit: Datastore['commit'] = (writes, options) => async () => {
    tell()
    await arrived
    await store.commit(writes, options)()
    throw new Error('the process is gone')
  }
  return { datastore: { ...store, commit }, sent, arrive: () => arrive() }
}

/** The first start: addresses by the ordinary way, under the identity's handle. */
const claim = async ({ ipam }: Place, id = 'c1', node = 'n1'): Promise<ReadonlyArray<string>> => {
  const attrs = fixedAttrs({ identity, epoch: 1, holder: { id, node } })
  const { v4, v6 } = await ipam.autoAssign({
    host: node,
    num4: 1,
    num6: 1,
    handleID,
    attrs,
    intendedUse: 'Workload',
  })
  return [...(v4?.ips ?? []), ...(v6?.ips ?? [])]
}

const takeOver = ({ ipam }: Place, id: string, node = 'n2') =>
  ipam.takeOverFixed({ handleID, identity, holder: { id, node } })

/** What the blocks say of the identity's allocations. */
const states = async ({ store }: Place) => {
  const read = await store.read([{ list: 'Block' }])()
  const blocks = read._tag === 'Right' ? read.right[0] : []
  return blocks.flatMap(({ value }) =>
    value.allocations.flatMap((index) => {
      const attribute = index === null ? undefined : value.attributes[index]
      return attribute?.handleID === handleID ? [attribute.secondary ?? {}] : []
    }),
  )
}

describe.each([
  ['atomic', true],
  ['one write at a time', false],
])('%s', (_, atomicCommit) => {
  test('an identity without addresses has none to take over', async () => {
    expect(await takeOver(await placeWith(atomicCommit), 'c1')).toBeUndefined()
  })

  test('a new incarnation on another node gets the same addresses and the next epoch', async () => {
    const place = await placeWith(atomicCommit)
    const ips = await claim(place)
    expect(await takeOver(place, 'c2')).toEqual({ ips, epoch: 2 })
    expect(await takeOver(place, 'c3', 'n3')).toEqual({ ips, epoch: 3 })
    expect((await states(place)).map(fixedStateOf)).toEqual(
      [0, 1].map(() => ({ identity, epoch: 3, holder: { id: 'c3', node: 'n3' } })),
    )
  })

  test('repeated for the same container nothing changes', async () => {
    const place = await placeWith(atomicCommit)
    await claim(place)
    const first = await takeOver(place, 'c2')
    const before = await states(place)
    expect(await takeOver(place, 'c2')).toEqual(first)
    expect(await states(place)).toEqual(before)
  })

  test('a release that was sent before and comes after the container asked again: too late', async () => {
    const place = await placeWith(atomicCommit)
    const ips = await claim(place)
    const first = await takeOver(place, 'c2')
    const late = lateCommits(place.store)
    const ipam = createIPAM({ datastore: late.datastore })
    const seen = { handleID, epoch: first?.epoch ?? 0, holderID: 'c2' }
    const released = ipam.releaseFixed(seen).catch(() => [])
    await late.sent
    expect(await takeOver(place, 'c2')).toEqual(first)
    late.arrive()
    await released
    expect(await place.ipam.ipsByHandle(handleID)).toEqual(ips.map((ip) => ip.replace(/\/.*/, '')))
  })

  test('parked it names no node and no holder; it stays allocated, and comes back', async () => {
    const place = await placeWith(atomicCommit)
    const ips = await claim(place)
    expect(await place.ipam.parkFixed({ handleID, holderID: 'c1' })).toEqual(ips)
    const [parked = {}] = await states(place)
    expect(Object.keys(parked).toSorted()).toEqual([fixedKeys.epoch, fixedKeys.identity].toSorted())
    const others = await place.ipam.autoAssign({
      host: 'n1',
      num4: 255,
      handleID: 'greedy',
      intendedUse: 'Workload',
    })
    expect(others.v4?.ips).toHaveLength(255)
    expect(others.v4?.ips).not.toContain(ips[0])
    expect(await takeOver(place, 'c2')).toEqual({ ips, epoch: 2 })
  })

  test('what comes late from an older incarnation changes nothing', async () => {
    const place = await placeWith(atomicCommit)
    await claim(place)
    await takeOver(place, 'c2')
    const before = await place.store.read([{ list: 'Block' }])()
    expect(await place.ipam.parkFixed({ handleID, holderID: 'c1' })).toEqual([])
    expect(await place.store.read([{ list: 'Block' }])()).toEqual(before)
  })

  test('upstream’s collection finds no pod in it, and a release decided before does not apply', async () => {
    const place = await placeWith(atomicCommit)
    const [address = ''] = await claim(place)
    const ip = address.split('/')[0] as string
    const read = await place.store.read([{ list: 'Block' }])()
    const seen =
      read._tag === 'Right'
        ? read.right[0].find(({ value }) => value.cidr.startsWith('10.'))
        : undefined
    const [sequenceNumber] = Object.values(seen?.value.sequenceNumberForAllocation ?? {})
    await takeOver(place, 'c2')
    for (const attrs of await states(place)) {
      expect(attrs).not.toHaveProperty('pod')
      expect(attrs).not.toHaveProperty('namespace')
    }
    const late = place.ipam.releaseIPs([
      { address: ip, handle: handleID, sequenceNumber: sequenceNumber ?? 0n },
    ])
    await expect(late).rejects.toMatchObject({ tag: 'SequenceNumberMismatch' })
  })

  test('asked again after something else, it is refused where somebody has come since', async () => {
    const place = await placeWith(atomicCommit)
    await claim(place)
    const hold = await takeOver(place, 'c2')
    const again = { handleID, identity, holder: { id: 'c2', node: 'n2' }, epoch: 2 }
    expect(await place.ipam.takeOverFixed(again)).toEqual(hold)
    await place.ipam.parkFixed({ handleID, holderID: 'c2' })
    await expect(place.ipam.takeOverFixed(again)).rejects.toMatchObject({ tag: 'OwnerMismatch' })
    const next = await takeOver(place, 'c3')
    await expect(place.ipam.takeOverFixed(again)).rejects.toMatchObject({ tag: 'OwnerMismatch' })
    expect(await takeOver(place, 'c3')).toEqual(next)
  })

  test('a crash between any two writes: the next start has the same addresses', async () => {
    for (let survives = 0; survives < 4; survives += 1) {
      const place = await placeWith(atomicCommit)
      const ips = await claim(place)
      const dying = createIPAM({ datastore: diesAfter(place.store, survives) })
      await dying
        .takeOverFixed({ handleID, identity, holder: { id: 'c2', node: 'n2' } })
        .catch(() => undefined)
      const hold = await takeOver(place, 'c3', 'n3')
      expect(hold?.ips).toEqual(ips)
      const all = (await states(place)).map(fixedStateOf)
      expect(new Set(all.map((state) => state?.epoch))).toEqual(new Set([hold?.epoch]))
      expect(new Set(all.map((state) => state?.holder?.id))).toEqual(new Set(['c3']))
    }
  })

  test('whatever the order: the addresses stay, epochs only grow, one holder or none', async () => {
    const step = fc.record({
      what: fc.constantFrom('takeOver' as const, 'park' as const),
      id: fc.constantFrom('c1', 'c2', 'c3'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const place = await placeWith(atomicCommit)
        const ips = await claim(place)
        let epoch = 1
        let holder: string | undefined = 'c1'
        for (const { what, id } of steps) {
          if (what === 'park') {
            await place.ipam.parkFixed({ handleID, holderID: id })
            if (holder === id) holder = undefined
          } else {
            const hold = await takeOver(place, id)
            expect(hold?.ips).toEqual(ips)
            const next: number = hold?.epoch ?? 0
            // The claim was made on another node, so even its own container takes over from it.
            expect(next).toBeGreaterThanOrEqual(epoch)
            epoch = next
            holder = id
          }
          const all = (await states(place)).map(fixedStateOf)
          expect(all.map((state) => state?.holder?.id)).toEqual([holder, holder])
          expect(all.every((state) => state?.epoch === epoch)).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('two incarnations at once: both are answered, one holds', async () => {
    const place = await placeWith(atomicCommit)
    const ips = await claim(place)
    const holds = await Promise.all([takeOver(place, 'c2'), takeOver(place, 'c3', 'n3')])
    expect(holds.map((hold) => hold?.ips)).toEqual([ips, ips])
    expect(new Set(holds.map((hold) => hold?.epoch)).size).toBe(2)
    expect(new Set((await states(place)).map((attrs) => attrs[fixedKeys.holder])).size).toBe(1)
  })
})

/** A process that is killed after so many writes. */
const diesAfter = (store: Datastore, writesMax: number): Datastore => {
  let left = writesMax
  return {
    ...store,
    commit: (writes, options) => async () => {
      const dead = {
        _tag: 'Left',
        left: {
          error: { tag: 'Unauthorized', message: 'killed', retryable: false },
          applied: [],
          current: [],
        } as CommitFailure,
      } as const
      for (const write of writes) {
        if (left === 0) return dead
        left -= 1
        const done = await store.commit(
          store.capabilities.atomicCommit ? writes : [write],
          options,
        )()
        if (done._tag === 'Left' || store.capabilities.atomicCommit) return done
      }
      return dead
    },
  }
}

test.each([
  [{}, undefined],
  [{ pod: 'p', namespace: 'd', node: 'n' }, undefined],
  [{ [fixedKeys.identity]: 'i' }, { identity: 'i', epoch: 0 }],
  [
    { [fixedKeys.identity]: 'i', [fixedKeys.epoch]: 'x' },
    { identity: 'i', epoch: 0 },
  ],
  [
    { [fixedKeys.identity]: 'i', [fixedKeys.epoch]: '-3' },
    { identity: 'i', epoch: 0 },
  ],
  [
    { [fixedKeys.identity]: 'i', [fixedKeys.epoch]: '7' },
    { identity: 'i', epoch: 7 },
  ],
])('%j says %j', (attrs, state) =>
  expect(fixedStateOf(attrs as Record<string, string>)).toEqual(state),
)

test('the cost: two reads and a write, no list', async () => {
  const place = await placeWith(true)
  await claim(place)
  const asked: string[] = []
  const counting: Datastore = {
    ...place.store,
    read: (queries, options) => {
      asked.push(
        queries.map((query) => ('get' in query ? query.get.kind : `list ${query.list}`)).join(', '),
      )
      return place.store.read(queries, options)
    },
    commit: (writes, options) => {
      asked.push(`commit ${writes.length}`)
      return place.store.commit(writes, options)
    },
  }
  await createIPAM({ datastore: counting }).takeOverFixed({
    handleID,
    identity,
    holder: { id: 'c2', node: 'n2' },
  })
  expect(asked).toEqual(['Handle', 'Block, Block', 'commit 2'])
})
