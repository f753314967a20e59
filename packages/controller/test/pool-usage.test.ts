/** How full pools are: as the core counts it, from what the caches keep. */
import { createIPAM } from '@hc-calico/ipam-core'
import { reservedAddresses } from '@hc-calico/ipam-core/fp'
import { parseCIDRMasked, trustedCIDR } from '@hc-calico/ipam-core/ip'
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { poolFinder, poolUsage } from '../src/decisions/pool-usage.ts'
import { blockFacts } from '../src/sources/blocks.ts'
import { createIntern } from '../src/sources/interned.ts'
import { poolNamed } from './lab/pool-named.ts'

const must = async <A>(
  call: () => Promise<
    | { readonly _tag: 'Right'; readonly right: A }
    | { readonly _tag: 'Left'; readonly left: unknown }
  >,
): Promise<A> => {
  const done = await call()
  if (done._tag === 'Left') throw new Error(JSON.stringify(done.left))
  return done.right
}

const fromCaches = async (store: Datastore) => {
  const [pools, reservations, blocks] = await must(
    store.read([{ list: 'IPPool' }, { list: 'IPReservation' }, { list: 'Block' }]),
  )
  const reserved = reservedAddresses(reservations.map(({ value }) => value))
  const intern = createIntern()
  const facts = blocks.map((one) => blockFacts(one, intern))
  return poolUsage(
    pools.map(({ value }) => value),
    facts,
    reserved,
  )
}

const world = async (reservedCIDRs: ReadonlyArray<string>, addresses: ReadonlyArray<number>) => {
  const store = createMemoryDatastore()
  await must(
    store.commit([
      poolNamed('small', '10.1.0.0/28'),
      poolNamed('next', '10.1.0.16/29', { blockSize: 29 }),
      poolNamed('six', 'fd00::/64', { blockSize: 122 }),
      { op: 'create', key: { kind: 'Node', name: 'n' }, value: { name: 'n', labels: {} } },
      {
        ...{ op: 'create', key: { kind: 'IPReservation', name: 'r' } },
        value: { name: 'r', reservedCIDRs },
      },
    ]),
  )
  const ipam = createIPAM({ datastore: store })
  for (const n of new Set(addresses)) {
    await ipam.assignIP({ ip: `10.1.0.${n}`, handleID: `h${n}`, host: 'n' })
  }
  await ipam.assignIP({ ip: 'fd00::7', handleID: 'six', host: 'n' })
  return { store, ipam }
}

test('law: the same as the core’s utilization, whatever is allocated, released and reserved', () =>
  fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { maxLength: 24 }),
      fc.array(
        fc.constantFrom('10.1.0.0/31', '10.1.0.5', '10.1.0.8/29', '10.1.0.20/30', 'fd00::/125'),
      ),
      fc.array(fc.integer({ min: 0, max: 23 })),
      async (addresses, reservations, released) => {
        const { store, ipam } = await world(reservations, addresses)
        for (const n of new Set(released.filter((one) => addresses.includes(one)))) {
          await ipam.releaseByHandle(`h${n}`)
        }
        const expected = (await ipam.getUtilization()).slice(0, -1)
        const usage = await fromCaches(store)
        const seen = [...usage.values()].map(({ name, used, free, reserved }) => ({
          name,
          inUse: Number(used),
          available: Math.min(Number(free), Number.MAX_SAFE_INTEGER),
          reserved: Number(reserved),
        }))
        const core = expected.map(({ name, inUse, available, reserved }) => ({
          ...{ name, inUse, available, reserved },
        }))
        expect(seen.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
          core.sort((a, b) => (a.name < b.name ? -1 : 1)),
        )
      },
    ),
    { numRuns: 60 },
  ))

test('the pool of a block is found among many, of either family, and none beside them', () => {
  const pools = Array.from({ length: 200 }, (_, i) => ({ name: `p${i}`, cidr: `10.${i}.0.0/24` }))
  const find = poolFinder([
    ...pools.reverse(),
    { name: 'six', cidr: 'fd00:1::/64' },
    { name: 'bad', cidr: 'x' },
  ])
  expect(find(trustedCIDR('10.17.0.64/26'))?.name).toBe('p17')
  expect(find(trustedCIDR('10.199.0.0/24'))?.name).toBe('p199')
  expect(find(trustedCIDR('10.17.1.0/26'))).toBeUndefined()
  expect(find(trustedCIDR('9.0.0.0/26'))).toBeUndefined()
  expect(find(trustedCIDR('fd00:1::40/122'))?.name).toBe('six')
  const wide = parseCIDRMasked('10.0.0.0/8')
  expect(wide._tag === 'Right' && find(wide.right)).toBeUndefined()
})
