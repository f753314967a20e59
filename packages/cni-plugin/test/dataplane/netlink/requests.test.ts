/**
 * What we send, byte for byte. The vectors were written by hand from the kernel's headers, and the
 * one that makes a pair compared with what `ip link add ... type veth peer ...` sends.
 */
import { describe, expect, test } from 'vitest'
import { addAddress, listAddresses } from '../../../src/dataplane/linux/netlink/address.ts'
import {
  createPair,
  deleteLink,
  getLinkByName,
  setLinkMAC,
  setLinkState,
} from '../../../src/dataplane/linux/netlink/link.ts'
import {
  encodeBatch,
  encodeRequest,
  type NetlinkRequest,
} from '../../../src/dataplane/linux/netlink/message.ts'
import {
  addRoute,
  deleteRoute,
  listRoutes,
  replaceRoute,
} from '../../../src/dataplane/linux/netlink/route.ts'
import { hex, toHex } from './hex.ts'

const pair = {
  name: 'cali1',
  mac: 'ee:ee:ee:ee:ee:ee',
  peerName: 'eth0',
  peerNamespaceFD: 4,
  mtu: 1450,
  numQueues: 2,
}

const zeros = (bytes: number): string => '00'.repeat(bytes)

const vethPair = `
  a4000000 1000 0106 07000000 00000000
  ${zeros(16)}
  0a000300 63616c6931 00 0000
  0a000100 eeeeeeeeeeee 0000
  08000400 aa050000
  08001f00 02000000
  08002000 02000000
  54001280
    09000100 76657468 00 000000
    44000280
      40000180 ${zeros(16)}
        09000300 65746830 00 000000
        08000400 aa050000
        08001f00 02000000
        08002000 02000000
        08001c00 04000000`

const netkitPair = `
  ac000000 1000 0106 07000000 00000000
  ${zeros(16)}
  0a000300 63616c6931 00 0000
  0a000100 eeeeeeeeeeee 0000
  08001f00 02000000
  08002000 02000000
  64001280
    0b000100 6e65746b6974 00 00
    54000280
      08000300 00000000
      08000400 00000000
      08000500 00000000
      38000180 ${zeros(16)}
        09000300 65746830 00 000000
        08001f00 02000000
        08002000 02000000
        08001c00 04000000`

const requests: ReadonlyArray<readonly [what: string, request: NetlinkRequest, bytes: string]> = [
  ['a veth pair, its peer in another namespace', createPair({ ...pair, kind: 'veth' }), vethPair],
  [
    'a link by name',
    getLinkByName('cali1'),
    `2c000000 1200 0100 07000000 00000000 ${zeros(16)} 0a000300 63616c6931 00 0000`,
  ],
  [
    'delete a link',
    deleteLink(0x102),
    `20000000 1100 0100 07000000 00000000 00000000 02010000 00000000 00000000`,
  ],
  [
    'set a link up',
    setLinkState(5, true),
    `20000000 1000 0100 07000000 00000000 00000000 05000000 01000000 01000000`,
  ],
  [
    'set a link down',
    setLinkState(5, false),
    `20000000 1000 0100 07000000 00000000 00000000 05000000 00000000 01000000`,
  ],
  [
    'set a MAC address',
    setLinkMAC(5, 'ee:ee:ee:ee:ee:ee'),
    `2c000000 1000 0100 07000000 00000000 00000000 05000000 00000000 00000000
     0a000100 eeeeeeeeeeee 0000`,
  ],
  [
    'an IPv4 address',
    addAddress(5, '10.1.2.3'),
    `28000000 1400 0106 07000000 00000000 02200000 05000000 08000200 0a010203 08000100 0a010203`,
  ],
  [
    'an IPv6 address',
    addAddress(5, 'fd00::5'),
    `40000000 1400 0106 07000000 00000000 0a800000 05000000
     14000200 fd00${zeros(13)}05 14000100 fd00${zeros(13)}05`,
  ],
  [
    'the IPv6 addresses of a link',
    listAddresses(10, 5),
    `18000000 1600 0103 07000000 00000000 0a000000 05000000`,
  ],
  [
    'a route to an address on the link',
    addRoute({ dst: '10.1.2.3/32', linkIndex: 5 }),
    `2c000000 1800 0106 07000000 00000000 02200000 fe03fd01 00000000
     08000100 0a010203 08000400 05000000`,
  ],
  [
    'an IPv4 default route',
    addRoute({ dst: '0.0.0.0/0', linkIndex: 5, gateway: '169.254.1.1' }),
    `2c000000 1800 0106 07000000 00000000 02000000 fe030001 00000000
     08000400 05000000 08000500 a9fe0101`,
  ],
  [
    'an IPv6 default route',
    addRoute({ dst: '::/0', linkIndex: 5, gateway: 'fe80::ecee:eeff:feee:eeee' }),
    `38000000 1800 0106 07000000 00000000 0a000000 fe030001 00000000
     08000400 05000000 14000500 fe80${zeros(6)}eceeeefffeeeeeee`,
  ],
  [
    'a route in the place of another',
    replaceRoute({ dst: '10.1.2.3/32', linkIndex: 5 }),
    `2c000000 1800 0105 07000000 00000000 02200000 fe03fd01 00000000
     08000100 0a010203 08000400 05000000`,
  ],
  [
    'delete a route',
    deleteRoute({ dst: 'fd00::5/128', linkIndex: 5 }),
    `38000000 1900 0100 07000000 00000000 0a800000 fe03fd01 00000000
     14000100 fd00${zeros(13)}05 08000400 05000000`,
  ],
  [
    'the routes through a link',
    listRoutes(2, 5),
    `24000000 1a00 0103 07000000 00000000 02000000 fe000000 00000000 08000400 05000000`,
  ],
  [
    'all routes of a family',
    listRoutes(10),
    `1c000000 1a00 0103 07000000 00000000 0a000000 fe000000 00000000`,
  ],
]

describe('requests', () => {
  test.each(requests)('%s', (_, request, bytes) => {
    expect(toHex(encodeRequest(request, 7))).toBe(toHex(hex(bytes)))
  })

  test('a netkit pair that leaves the MTU to the kernel', () => {
    const request = createPair({ ...pair, mtu: 0, kind: 'netkit' })
    expect(toHex(encodeRequest(request, 7))).toBe(toHex(hex(netkitPair)))
  })

  test('the container MAC address belongs to the peer', () => {
    const request = createPair({ ...pair, kind: 'veth', peerMAC: '02:00:00:00:00:01' })
    expect(toHex(encodeRequest(request, 7))).toContain(
      toHex(hex('09000300 65746830 00 000000 0a000100 020000000001 0000')),
    )
  })

  test('a batch numbers its requests', () => {
    const batch = encodeBatch([deleteLink(1), deleteLink(2)], 41)
    expect(batch).toEqual(
      Uint8Array.of(...encodeRequest(deleteLink(1), 41), ...encodeRequest(deleteLink(2), 42)),
    )
  })
})
