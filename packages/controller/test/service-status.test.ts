/** What a ServiceIPPool's status says, case by case. */
import type { ServiceIPPool, ServiceIPPoolStatus } from '@hc-calico/crd-types/harmonycloud'
import { serviceIPPoolDocument } from '@hc-calico/crd-types/harmonycloud'
import type { Values } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import type { PoolUsage } from '../src/decisions/pool-usage.ts'
import { serviceNews } from '../src/decisions/service-news.ts'
import { type HeldAddresses, noneHeld, serviceStatus } from '../src/decisions/service-status.ts'
import { poolNamed } from './lab/pool-named.ts'

const pool = (name: string, cidr: string, more: Partial<Values['IPPool']> = {}): Values['IPPool'] =>
  (poolNamed(name, cidr, more) as { readonly value: Values['IPPool'] }).value

const pools = new Map(
  [
    pool('room', '10.0.0.0/24'),
    pool('full', '10.0.1.0/24'),
    pool('resting', '10.0.2.0/24', { disabled: true }),
    pool('going', '10.0.3.0/24', { terminating: true }),
    pool('tunnels', '10.0.4.0/24', { allowedUses: ['Tunnel'] }),
    pool('odd', '10.0.5.0/24', { nodeSelector: 'has(' }),
    pool('racks', '10.0.6.0/24', { nodeSelector: 'rack == "1"', namespaceSelector: 'a == "b"' }),
    pool('six', 'fd00::/64'),
  ].map((one) => [one.name, one]),
)

const use = (name: string, used: bigint, free: bigint): readonly [string, PoolUsage] => [
  name,
  { name, cidr: '', size: used + free, reserved: 0n, used, free },
]
const usage = new Map([
  use('room', 56n, 200n),
  use('full', 256n, 0n),
  use('resting', 0n, 256n),
  use('going', 3n, 253n),
  use('tunnels', 0n, 256n),
  use('odd', 0n, 256n),
  use('racks', 0n, 256n),
  use('six', 1n, 2n ** 64n - 1n),
])

const empty: ServiceIPPool = {
  ...{ namespace: 'default', name: 'svc', ipv4Pools: [], disabledIPv4Pools: [] },
  ...{ ipv6Pools: [], disabledIPv6Pools: [] },
}
const now = '2026-01-01T00:00:00Z'

const statusOf = (
  lists: Partial<ServiceIPPool>,
  held: Partial<HeldAddresses> = {},
): ServiceIPPoolStatus =>
  serviceStatus({
    ...{ service: { ...empty, ...lists }, generation: 4, pools, usage, now },
    held: { ...noneHeld, ...held },
  })

const conditionOf = (status: ServiceIPPoolStatus, type: string): string => {
  const found = status.conditions?.find((one) => one.type === type)
  return `${found?.status} ${found?.reason}: ${found?.message}`
}

test.each<[string, string, string | undefined]>([
  ['room', 'Serving', undefined],
  ['racks', 'Serving', undefined],
  ['full', 'Full', 'it is full'],
  ['nowhere', 'Unknown', 'there is no pool of this name'],
  ['resting', 'Disabled', 'it is disabled'],
  ['going', 'Unfit', 'it is being deleted'],
  ['tunnels', 'Unfit', 'it is not allowed for pods'],
  ['odd', 'Unfit', expect.stringContaining('its nodeSelector cannot be read')],
  ['six', 'Unfit', 'it is an IPv6 pool'],
])('listed for IPv4, %s is %s', (name, state, reason) => {
  const [member] = statusOf({ ipv4Pools: [name] }).members ?? []
  expect(member?.state).toBe(state)
  expect(member?.reason).toEqual(reason)
})

test.each<[string, Partial<ServiceIPPool>, number, string]>([
  ['disabled beats enabled', { ipv4Pools: ['room'], disabledIPv4Pools: ['room'] }, 3, 'Draining'],
  ['only listed as disabled', { disabledIPv4Pools: ['room'] }, 3, 'Draining'],
  ['nobody is left', { disabledIPv4Pools: ['room'] }, 0, 'Drained'],
  ['a disabled pool that is gone', { disabledIPv4Pools: ['nowhere'] }, 0, 'Unknown'],
])('draining: %s', (_, lists, held, state) => {
  const all = new Map(held === 0 ? [] : [['room', held] as const])
  const status = statusOf(lists, { all })
  expect(status.members).toMatchObject([{ state, held }])
})

test('each pool once, IPv4 first, in list order, those that are only disabled last', () => {
  const status = statusOf({
    ipv4Pools: ['full', 'room', 'full'],
    disabledIPv4Pools: ['going', 'room'],
    ipv6Pools: ['six'],
  })
  expect(status.members?.map(({ name }) => name)).toEqual(['full', 'room', 'going', 'six'])
})

test('totals are of those that serve, and stop at what a number can count exactly', () => {
  const { total, used, free, observedGeneration } = statusOf({
    ...{ ipv4Pools: ['room', 'full', 'resting'], ipv6Pools: ['six'] },
    disabledIPv4Pools: ['going'],
  })
  expect({ total, used, free, observedGeneration }).toEqual({
    ...{ total: Number.MAX_SAFE_INTEGER, used: 56 + 256 + 1 },
    ...{ free: Number.MAX_SAFE_INTEGER, observedGeneration: 4 },
  })
  expect(statusOf({ ipv4Pools: ['room', 'full'] })).toMatchObject({
    ...{ total: 512, used: 312, free: 200 },
  })
})

describe('conditions', () => {
  test.each<[string, Partial<ServiceIPPool>, string]>([
    ['room left', { ipv4Pools: ['full', 'room'] }, 'True RoomLeft: addresses are left in room'],
    [
      'all full',
      { ipv4Pools: ['full', 'nowhere'] },
      'False Full: no pool can serve an IPv4 address: full: it is full; nowhere: there is no pool of this name',
    ],
    [
      'one family short',
      { ipv4Pools: ['room'], ipv6Pools: ['full'] },
      'False NoMemberFit: no pool can serve an IPv6 address: full: it is an IPv4 pool',
    ],
    [
      'nothing listed',
      { disabledIPv4Pools: ['room'] },
      'False NothingListed: no pool is listed: pods take addresses as if they named no service',
    ],
  ])('Serving: %s', (_, lists, expected) => {
    expect(conditionOf(statusOf(lists), 'Serving')).toBe(expected)
  })

  test('Draining counts what is held, and ends', () => {
    const lists = { disabledIPv4Pools: ['room', 'full', 'going'] }
    const all = new Map([
      ['room', 1],
      ['full', 12],
    ])
    expect(conditionOf(statusOf(lists, { all }), 'Draining')).toBe(
      'True AddressesHeld: still held: 1 address in room; 12 addresses in full',
    )
    expect(conditionOf(statusOf(lists), 'Draining')).toBe(
      'False Drained: no pod has an address of room, full, going any more',
    )
    expect(conditionOf(statusOf({}), 'Draining')).toBe('False NothingDrains: no pool drains')
  })

  test('fixed addresses outside the serving pools, and ordinary ones outside the lists', () => {
    const all = new Map([
      ['room', 5],
      ['full', 3],
      ['six', 2],
    ])
    const fixed = new Map([
      ['full', 2],
      ['six', 2],
    ])
    const lists = { ipv4Pools: ['room'], disabledIPv4Pools: ['full'] }
    const status = statusOf(lists, { all, fixed })
    expect(conditionOf(status, 'FixedOutsidePool')).toBe(
      'True HeldOutside: fixed addresses outside the serving pools: 2 in full; 2 in six',
    )
    expect(conditionOf(status, 'HeldOutsidePools')).toMatch(/^False AllInside/)
    const unlisted = statusOf({ ipv4Pools: ['room'] }, { all })
    expect(conditionOf(unlisted, 'HeldOutsidePools')).toMatch(/^True .*: 3 in full; 2 in six$/)
  })

  test('pods that name pools themselves are told only where there are any', () => {
    expect(conditionOf(statusOf({}, { overriding: 2 }), 'PoolAnnotationIgnored')).toBe(
      'True ServiceCounts: 2 pods name pools by annotation as well: the service counts',
    )
    expect(conditionOf(statusOf({}), 'PoolAnnotationIgnored')).toMatch(/^undefined/)
  })

  test('the time of a condition changes with its status and with nothing else', () => {
    const before = statusOf({ ipv4Pools: ['full'] })
    const after = serviceStatus({
      service: { ...empty, ipv4Pools: ['full', 'nowhere'], status: before },
      ...{ generation: 5, pools, usage, held: noneHeld, now: '2026-02-02T00:00:00Z' },
    })
    const times = Object.fromEntries(
      (after.conditions ?? []).map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    )
    expect(times).toMatchObject({ Serving: now, Degraded: '2026-02-02T00:00:00Z', Draining: now })
  })
})

test('the status passes the codec of the kind', () => {
  const status = statusOf({ ipv4Pools: ['room', 'nowhere'], disabledIPv4Pools: ['full'] })
  const document = serviceIPPoolDocument.encode({ ...empty, status })
  expect(serviceIPPoolDocument.decode(document)).toMatchObject({ right: { status } })
})

describe('news', () => {
  const news = (before: Partial<ServiceIPPool> | undefined, after: Partial<ServiceIPPool>) =>
    serviceNews(before && statusOf(before), statusOf(after)).map(
      ({ type, reason }) => `${type} ${reason}`,
    )
  const held = { all: new Map([['room', 1]]) }

  test.each<[string, Partial<ServiceIPPool> | undefined, Partial<ServiceIPPool>, string[]]>([
    ['a good beginning is none', undefined, { ipv4Pools: ['room'] }, []],
    [
      'a bad beginning',
      undefined,
      { ipv4Pools: ['full'] },
      ['Warning MemberFull', 'Warning NotServing'],
    ],
    [
      'a member that is unknown',
      { ipv4Pools: ['room'] },
      { ipv4Pools: ['room', 'x'] },
      ['Warning MemberUnknown'],
    ],
    ['the same again', { ipv4Pools: ['full', 'x'] }, { ipv4Pools: ['full', 'x'] }, []],
    ['serving again', { ipv4Pools: ['full'] }, { ipv4Pools: ['full', 'room'] }, ['Normal Serving']],
    [
      'drained from the first',
      { ipv4Pools: ['room'] },
      { ipv4Pools: ['room'], disabledIPv4Pools: ['full'] },
      [],
    ],
    ['nothing listed any more', { ipv4Pools: ['room'] }, {}, []],
  ])('%s', (_, before, after, expected) => {
    expect(news(before, after)).toEqual(expected)
  })

  test('the last address has left a pool that drains', () => {
    const lists = { ipv4Pools: ['racks'], disabledIPv4Pools: ['room'] }
    expect(serviceNews(statusOf(lists, held), statusOf(lists))).toMatchObject([
      { type: 'Normal', reason: 'MemberDrained' },
    ])
  })
})
