import type { FixedState } from '@hc-calico/ipam-core'
import { describe, expect, test } from 'vitest'
import {
  type BlockWithFixed,
  type FixedIdentity,
  fixedInventory,
  identityNames,
} from '../src/decisions/fixed-inventory.ts'
import {
  askedAddresses,
  type RecordSituation,
  recordVerdict,
} from '../src/decisions/fixed-record.ts'

const text = 'default/StatefulSet/web/web-0'
const holder = { id: 'net.c1', node: 'n1' }

/** A block with these addresses; the last part of an address is its sequence number too. */
const block = (
  ...owners: ReadonlyArray<readonly [ip: string, owner: { handleID: string; fixed?: FixedState }]>
): BlockWithFixed => ({
  allocations: owners.map(([ip, owner]) => ({
    ip,
    sequenceNumber: BigInt(ip.slice(-1)),
    ...owner,
  })),
})
const fixed = (over: Partial<FixedState> = {}) => ({
  handleID: 'hc-fixed.default.web-0',
  fixed: { identity: text, epoch: 1, ...over },
})

describe('what the blocks hold', () => {
  const inventory = (...blocks: ReadonlyArray<BlockWithFixed>) =>
    fixedInventory(blocks).get('hc-fixed.default.web-0')

  test('both families of an identity, and who holds them', () => {
    const ordinary = { handleID: 'net.c2' }
    expect(
      inventory(
        block(['10.0.0.1', ordinary], ['10.0.0.3', fixed({ holder })]),
        block(['fd00::2', fixed({ holder })]),
      ),
    ).toMatchObject({
      ...{ namespace: 'default', set: 'web', pod: 'web-0', ordinal: 0, text, epoch: 1, holder },
      addresses: [
        { ip: '10.0.0.3', family: 4, sequenceNumber: 3n },
        { ip: 'fd00::2', family: 6 },
      ],
    })
  })
  test('taken over in part: the newest epoch first, and held', () => {
    const found = inventory(
      block(['10.0.0.3', fixed()]),
      block(['fd00::2', fixed({ epoch: 2, holder })]),
    )
    expect(found?.addresses.map(({ ip }) => ip)).toEqual(['fd00::2', '10.0.0.3'])
    expect([found?.epoch, found?.holder]).toEqual([2, holder])
  })
  test('held by an older epoch, newer part parked: still counts as held', () => {
    const found = inventory(
      block(['10.0.0.3', fixed({ holder })]),
      block(['fd00::2', fixed({ epoch: 2 })]),
    )
    expect(found?.holder).toEqual(holder)
  })
  test('parked', () => {
    expect(inventory(block(['10.0.0.3', fixed()]))).not.toHaveProperty('holder')
  })
  test.each([
    ['default/StatefulSet/web/web-10', { namespace: 'default', set: 'web', ordinal: 10 }],
    ['default/StatefulSet/web-1/web-1-0', { set: 'web-1', ordinal: 0 }],
    ['default/StatefulSet/web/web-01', undefined],
    ['default/StatefulSet/web/other-0', undefined],
    ['default/StatefulSet/web/web-', undefined],
    ['default/Deployment/web/web-0', undefined],
    ['default/StatefulSet/web/web-0/x', undefined],
    ['web-0', undefined],
  ])('words %s', (words, names) => {
    if (names === undefined) expect(identityNames(words)).toBeUndefined()
    else expect(identityNames(words)).toMatchObject(names)
  })
})

const address = (ip: string, epoch = 1) => ({
  ...{ ip, epoch, sequenceNumber: 1n },
  family: ip.includes(':') ? (6 as const) : (4 as const),
})
const identity: FixedIdentity = {
  ...{ namespace: 'default', set: 'web', pod: 'web-0', ordinal: 0, text, epoch: 1 },
  handleID: 'hc-fixed.default.web-0',
  addresses: [address('10.0.0.3')],
}
const verdict = (over: Partial<RecordSituation> = {}) =>
  recordVerdict({
    identity,
    data: { 'web-0-ipv4': '10.0.0.3', 'web-0-ipv6': '' },
    isInUse: false,
    refusals: new Map([
      ['192.0.2.1', '192.0.2.1 is in no pool'],
      ['10.0.0.7', '10.0.0.7 is held by default/other'],
    ]),
    ...over,
  })
const keys = (ipv4: string, ipv6?: string) => ({
  'web-0-ipv4': ipv4,
  ...(ipv6 === undefined ? {} : { 'web-0-ipv6': ipv6 }),
})
const both = { ...identity, addresses: [address('10.0.0.3'), address('fd00::2')] }

describe('record and block', () => {
  test.each<[string, Partial<RecordSituation>, unknown]>([
    ['the same', {}, { notices: [] }],
    ['the same, only one key', { data: keys('10.0.0.3') }, { notices: [] }],
    ['in another spelling', { data: keys(' 10.0.0.3/32 ') }, { notices: [] }],
    ['no record', { data: undefined }, { write: keys('10.0.0.3', ''), notices: [] }],
    [
      'no keys',
      { data: { 'web-1-ipv4': '10.0.0.9' } },
      { write: keys('10.0.0.3', ''), notices: [] },
    ],
    [
      'empty, as the first version wrote it',
      { data: keys('', '') },
      { write: keys('10.0.0.3'), notices: [] },
    ],
    [
      'one family missing',
      { identity: both, data: keys('10.0.0.3', '') },
      { write: { 'web-0-ipv6': 'fd00::2' }, notices: [] },
    ],
    [
      'a wish for a family that the pod has not got is left',
      { data: { 'web-0-ipv6': 'fd00::9' } },
      { write: keys('10.0.0.3'), notices: [] },
    ],
    [
      'another address, parked',
      { data: keys('10.0.0.5') },
      { repin: { ipv4: '10.0.0.5' }, notices: [] },
    ],
    [
      'one of two families',
      { identity: both, data: keys('10.0.0.3', 'fd00::9') },
      { repin: { ipv6: 'fd00::9' }, notices: [] },
    ],
    [
      'a change that is half done is completed',
      {
        identity: { ...identity, addresses: [address('10.0.0.5', 2), address('10.0.0.3')] },
        data: keys('10.0.0.5'),
      },
      { repin: { ipv4: '10.0.0.5' }, notices: [] },
    ],
  ])('%s', (_name, over, expected) => {
    expect(verdict(over)).toEqual(expected)
  })
  test.each<[string, Partial<RecordSituation>, string, RegExp]>([
    [
      'in use: next start',
      { data: keys('10.0.0.5'), isInUse: true },
      'RepinAccepted',
      /web-0 gets 10\.0\.0\.5 instead of 10\.0\.0\.3/,
    ],
    [
      'in no pool',
      { data: keys('192.0.2.1') },
      'RepinRefused',
      /web-0 keeps 10\.0\.0\.3: 192\.0\.2\.1 is in no pool/,
    ],
    ['in no pool, in use', { data: keys('192.0.2.1'), isInUse: true }, 'RepinRefused', /no pool/],
    ['held', { data: keys('10.0.0.7') }, 'RepinRefused', /10\.0\.0\.7 is held by default\/other/],
    ['odd', { data: keys('10.0.0.300') }, 'RepinRefused', /"10\.0\.0\.300" is not an IPv4 address/],
    ['of the other family', { data: keys('fd00::2') }, 'RepinRefused', /is not an IPv4 address/],
  ])('%s', (_name, over, reason, message) => {
    const { notices, write, repin } = verdict(over)
    expect(notices).toEqual([
      { key: 'web-0-ipv4', reason, message: expect.stringMatching(message) },
    ])
    expect([write, repin]).toEqual([undefined, undefined])
  })
  test.each([
    [undefined, []],
    [keys('10.0.0.3'), []],
    [keys('10.0.0.5', 'fd00::9'), ['10.0.0.5']],
    [keys('odd'), []],
  ])('asked for: %j', (data, asked) => {
    expect(askedAddresses(identity, data)).toEqual(asked)
  })
})
