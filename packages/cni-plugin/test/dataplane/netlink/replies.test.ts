/** What the kernel sends: vectors cut from real answers, and torn ones. */
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../src/dataplane/linux/netlink/address.ts'
import { parseAttributes } from '../../../src/dataplane/linux/netlink/attribute.ts'
import { describeErrno } from '../../../src/dataplane/linux/netlink/errno.ts'
import { parseLink } from '../../../src/dataplane/linux/netlink/link.ts'
import {
  type NetlinkMessage,
  parseAcknowledgement,
  parseMessages,
} from '../../../src/dataplane/linux/netlink/message.ts'
import { parseRoute } from '../../../src/dataplane/linux/netlink/route.ts'
import { hex } from './hex.ts'

const message = (type: number, payload: string, flags = 0): NetlinkMessage => ({
  type,
  flags,
  sequence: 1,
  payload: hex(payload),
})

describe('messages', () => {
  test('several in one datagram, unaligned ones padded', () => {
    const data = hex(`
      14000000 1000 0200 05000000 00000000 aabbccdd
      11000000 0300 0200 06000000 00000000 ee 000000
      10000000 0200 0000 07000000 00000000`)
    expect(parseMessages(data).map((one) => [one.type, one.sequence, one.payload.length])).toEqual([
      [16, 5, 4],
      [3, 6, 1],
      [2, 7, 0],
    ])
  })

  test.each([
    ['longer than the datagram', '14000000 1000 0200 05000000 00000000'],
    ['shorter than its header', '08000000 1000 0200 05000000 00000000'],
  ])('a message %s is refused', (_, data) => {
    expect(() => parseMessages(hex(data))).toThrow(/does not fit/)
  })

  test.each([
    ['longer than the list', '0c000100 00000000'],
    ['shorter than its header', '03000100 00000000'],
  ])('an attribute %s is refused', (_, data) => {
    expect(() => parseAttributes(hex(data))).toThrow(/does not fit/)
  })

  test('the flags of an attribute type are cut off', () => {
    expect(parseAttributes(hex('08001280 01020304')).get(18)).toEqual(hex('01020304'))
  })
})

describe('acknowledgements', () => {
  const echo = '20000000 1100 0500 01000000 00000000'
  test.each([
    ['success', message(2, `00000000 ${echo}`, 0x100), 0, undefined],
    ['a refusal', message(2, `edffffff ${echo}`, 0x100), 19, undefined],
    [
      'a refusal with an explanation',
      message(2, `eaffffff ${echo} 0e000100 62616420 6e616d65 00 000000`, 0x300),
      22,
      'bad name',
    ],
    [
      'a refusal that echoes the whole request before the explanation',
      message(
        2,
        `eaffffff 18000000 1100 0500 01000000 00000000 1111111122222222 08000100 6d747500`,
        0x200,
      ),
      22,
      'mtu',
    ],
    ['the end of a list', message(3, '00000000', 2), 0, undefined],
    ['the end of a list that failed', message(3, 'feffffff', 2), 2, undefined],
    ['an empty end', message(3, '', 2), 0, undefined],
  ] as const)('%s', (_, answer, errno, explanation) => {
    expect(parseAcknowledgement(answer)).toEqual({ errno, explanation })
  })

  test('error numbers are explained, unknown ones shown', () => {
    expect(describeErrno(17)).toBe('it exists already (EEXIST)')
    expect(describeErrno(1234)).toBe('kernel error 1234')
  })
})

describe('objects', () => {
  test('the host end of a pair', () => {
    const link = message(
      16,
      `0000 0100 07000000 43100100 00000000
       0a000300 63616c6931 00 0000
       08000400 aa050000
       0a000100 eeeeeeeeeeee 0000
       10001200 09000100 76657468 00 000000
       08002500 00000000
       08000500 02000000`,
    )
    expect(parseLink(link)).toEqual({
      index: 7,
      name: 'cali1',
      isUp: true,
      hasCarrier: true,
      mac: 'ee:ee:ee:ee:ee:ee',
      mtu: 1450,
      kind: 'veth',
      peerIndex: 2,
      peerIsElsewhere: true,
    })
  })

  test('a loopback that is down has none of a pair', () => {
    const link = parseLink(message(16, '0000 0403 01000000 08000000 00000000 07000300 6c6f00 00'))
    expect(link).toMatchObject({
      name: 'lo',
      isUp: false,
      hasCarrier: false,
      peerIsElsewhere: false,
    })
    expect([link.kind, link.peerIndex, link.mac, link.mtu]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  test('an address, its flags in the attribute that has room for all', () => {
    const address = message(
      20,
      `0a40 80 fd 02000000
       14000100 fe800000000000 00eceeeefffeeeeeee
       08000800 c0000000`,
    )
    expect(parseAddress(address)).toEqual({
      linkIndex: 2,
      address: 'fe80::ecee:eeff:feee:eeee',
      prefixLength: 64,
      flags: 0xc0,
    })
  })

  test('of a point-to-point address the local one counts', () => {
    const address = message(20, '0220 80 00 02000000 08000100 0a000002 08000200 0a000001')
    expect(parseAddress(address)).toMatchObject({ address: '10.0.0.1', flags: 0x80 })
  })

  test.each([
    [
      'through a link',
      '02200000 fe03fd01 00000000 08000f00 fe000000 08000100 0a010203 08000400 05000000',
      { dst: '10.1.2.3/32', linkIndex: 5, gateway: undefined, scope: 253, protocol: 3, type: 1 },
    ],
    [
      'the default',
      '02000000 fe030001 00000000 08000400 05000000 08000500 a9fe0101',
      { dst: '0.0.0.0/0', linkIndex: 5, gateway: '169.254.1.1', scope: 0 },
    ],
    [
      'IPv6 with a priority, in a table whose number needs the attribute',
      `0a000000 fc030001 00000000 08000f00 2c010000 08000600 00040000`,
      { dst: '::/0', linkIndex: undefined, table: 300, priority: 1024 },
    ],
    [
      'a blackhole',
      '021a0000 fe0c0006 00000000 08000100 ac192a40',
      { dst: '172.25.42.64/26', linkIndex: undefined, type: 6, table: 254, protocol: 12 },
    ],
  ])('a route: %s', (_, payload, expected) => {
    expect(parseRoute(message(24, payload))).toMatchObject(expected)
  })
})
