/** What the wiring decides without the kernel: routes in the way, differences, sysctls. */
import { describe, expect, test } from 'vitest'
import type { CheckWorkloadRequest } from '../../src/dataplane/dataplane.ts'
import { compareWorkload, type WorkloadState } from '../../src/dataplane/linux/check-workload.ts'
import type { Link } from '../../src/dataplane/linux/netlink/link.ts'
import type { Route } from '../../src/dataplane/linux/netlink/route.ts'
import { hostRouteTo, judgeRoutes } from '../../src/dataplane/linux/routes.ts'
import {
  applySysctls,
  containerSysctls,
  hostSysctls,
  type Sysctl,
} from '../../src/dataplane/linux/sysctl.ts'

const link = (over: Partial<Link> = {}): Link => ({
  index: 7,
  name: 'cali1',
  isUp: true,
  hasCarrier: true,
  mac: 'ee:ee:ee:ee:ee:ee',
  mtu: 1450,
  kind: 'veth',
  peerIndex: 2,
  peerIsElsewhere: true,
  ...over,
})

const route = (over: Partial<Route> = {}): Route => ({
  family: 2,
  dst: '10.0.0.1/32',
  linkIndex: 7,
  gateway: undefined,
  table: 254,
  type: 1,
  scope: 253,
  protocol: 3,
  priority: 0,
  ...over,
})

describe('a host route that exists already', () => {
  const links: Readonly<Record<number, Link>> = {
    8: link({ index: 8, name: 'cali8' }),
    9: link({ index: 9, name: 'cali9', hasCarrier: false }),
    10: link({ index: 10, name: 'cali10', isUp: false }),
  }
  const judged = (address: string, ...routes: ReadonlyArray<Route>) =>
    judgeRoutes(routes, hostRouteTo(address, 7), (index) => links[index])

  test.each([
    ['none any more', [], 'gone'],
    ['ours', [route()], 'same'],
    ['ours, by a routing daemon', [route({ protocol: 80 })], 'same'],
    [
      'ours beside one with another priority',
      [route({ linkIndex: 8, priority: 5 }), route()],
      'same',
    ],
    ['through our link, but with a gateway', [route({ gateway: '10.0.0.9' })], 'stale'],
    ['through a link that is gone', [route({ linkIndex: 99 })], 'stale'],
    ['through a link whose other end is down', [route({ linkIndex: 9 })], 'stale'],
    ['through a link that is down', [route({ linkIndex: 10 })], 'stale'],
    ['a blackhole', [route({ linkIndex: undefined, type: 6 })], 'stale'],
    ['through a live link', [route({ linkIndex: 8 })], 'live'],
    ['several, one live', [route({ linkIndex: 99 }), route({ linkIndex: 8 })], 'live'],
  ] as const)('%s', (_, routes, state) => {
    expect(judged('10.0.0.1', ...routes).state).toBe(state)
  })

  test('IPv4 with another scope is not ours, IPv6 has none', () => {
    expect(judged('10.0.0.1', route({ scope: 0 })).state).toBe('stale')
    expect(judged('fd00::1', route({ scope: 0 })).state).toBe('same')
  })

  test('a live link is named', () => {
    expect(judged('10.0.0.1', route({ linkIndex: 8 }))).toMatchObject({ link: { name: 'cali8' } })
  })
})

const request: CheckWorkloadRequest = {
  netns: '/run/netns/x',
  containerInterface: 'eth0',
  hostInterface: 'cali1',
  addresses: ['10.0.0.1', 'fd00::1'],
  routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
  containerMAC: '02:00:00:00:00:01',
  mtu: 1450,
  skipHostRoutes: false,
}

const containerLink = link({ index: 2, name: 'eth0', mac: '02:00:00:00:00:01', peerIndex: 7 })
const address = { linkIndex: 2, flags: 0x80 }
const gatewayIPv6 = 'fe80::ecee:eeff:feee:eeee'

const healthy: WorkloadState = {
  containerLink,
  hostLink: link(),
  addresses: [
    { ...address, address: '10.0.0.1', prefixLength: 32 },
    { ...address, address: 'fd00::1', prefixLength: 128 },
  ],
  containerRoutes: [
    route({ dst: '169.254.1.1/32', linkIndex: 2 }),
    route({ dst: '0.0.0.0/0', linkIndex: 2, gateway: '169.254.1.1' }),
    route({ dst: '::/0', linkIndex: 2, gateway: gatewayIPv6 }),
  ],
  hostRoutes: [route(), route({ dst: 'fd00::1/128' })],
  gatewaysIPv6: [gatewayIPv6],
}

const without = <T>(list: ReadonlyArray<T>, at: number): ReadonlyArray<T> =>
  list.filter((_, index) => index !== at)

describe('a workload compared with what ADD made', () => {
  test('healthy', () => {
    expect(compareWorkload(request, healthy)).toEqual([])
  })

  const inside = 'interface eth0 in /run/netns/x'
  test.each<readonly [Partial<WorkloadState>, string]>([
    [{ containerLink: link({ ...containerLink, isUp: false }) }, `${inside} is down`],
    [
      { containerLink: link({ ...containerLink, mac: '02:00:00:00:00:02' }) },
      `the MAC address of ${inside} is 02:00:00:00:00:02, and ADD reported 02:00:00:00:00:01`,
    ],
    [
      { containerLink: link({ ...containerLink, mtu: 1500 }) },
      `the MTU of ${inside} is 1500, and ADD reported 1450`,
    ],
    [{ hostLink: link({ isUp: false }) }, 'host link cali1 is down'],
    [{ hostLink: undefined }, 'host link cali1 does not exist'],
    [{ hostLink: link({ peerIndex: 3 }) }, `host link cali1 is not the other end of ${inside}`],
    [{ addresses: without(healthy.addresses, 0) }, `${inside} lacks address 10.0.0.1/32`],
    [{ addresses: without(healthy.addresses, 1) }, `${inside} lacks address fd00::1/128`],
    [
      {
        addresses: healthy.addresses
          .map((one) => ({ ...one, prefixLength: 26 }))
          .slice(0, 1)
          .concat(healthy.addresses.slice(1)),
      },
      `${inside} lacks address 10.0.0.1/32`,
    ],
    [
      { containerRoutes: without(healthy.containerRoutes, 0) },
      'route 169.254.1.1/32 is missing in /run/netns/x',
    ],
    [
      { containerRoutes: without(healthy.containerRoutes, 1) },
      'route 0.0.0.0/0 via 169.254.1.1 is missing in /run/netns/x',
    ],
    [
      { containerRoutes: without(healthy.containerRoutes, 2) },
      `route ::/0 via ${gatewayIPv6} is missing in /run/netns/x`,
    ],
    [
      {
        containerRoutes: [
          ...healthy.containerRoutes.slice(0, 2),
          route({ dst: '::/0', linkIndex: 3, gateway: gatewayIPv6 }),
        ],
      },
      `route ::/0 via ${gatewayIPv6} is missing in /run/netns/x`,
    ],
    [
      { hostRoutes: without(healthy.hostRoutes, 0) },
      'host route 10.0.0.1/32 through cali1 is missing',
    ],
    [
      { hostRoutes: [route({ linkIndex: 8 }), ...without(healthy.hostRoutes, 0)] },
      'host route 10.0.0.1/32 through cali1 goes through another link',
    ],
  ])('%#: %s', (change, sentence) => {
    expect(compareWorkload(request, { ...healthy, ...change })).toEqual([sentence])
  })

  test('no interface: nothing else is worth saying about the container', () => {
    const gone = { ...healthy, containerLink: undefined, addresses: [], containerRoutes: [] }
    expect(compareWorkload(request, gone)).toEqual([`${inside} does not exist`])
  })

  test('host routes of others are not looked at', () => {
    const skipping = { ...request, skipHostRoutes: true }
    expect(compareWorkload(skipping, { ...healthy, hostRoutes: [] })).toEqual([])
  })

  test('what prevResult does not say is not compared', () => {
    const { containerMAC: _, mtu: __, ...silent } = request
    const other = link({ ...containerLink, mac: '02:00:00:00:00:09', mtu: 9000 })
    expect(compareWorkload(silent, { ...healthy, containerLink: other })).toEqual([])
  })
})

describe('sysctls', () => {
  const written = (sysctls: ReadonlyArray<Sysctl>) =>
    sysctls.map(({ path, value }) => `${path}=${value}`)

  test('host, both families', () => {
    expect(written(hostSysctls('cali1', { hasIPv4: true, hasIPv6: true }))).toEqual([
      'ipv4/conf/cali1/route_localnet=1',
      'ipv4/neigh/cali1/proxy_delay=0',
      'ipv4/conf/cali1/proxy_arp=1',
      'ipv4/conf/cali1/forwarding=1',
      'ipv6/conf/cali1/accept_dad=0',
      'ipv6/conf/cali1/disable_ipv6=0',
      'ipv6/conf/cali1/proxy_ndp=1',
      'ipv6/conf/cali1/forwarding=1',
      'ipv6/conf/cali1/accept_ra=0',
    ])
  })

  test('host, one family', () => {
    const only = (hasIPv4: boolean) =>
      written(hostSysctls('c', { hasIPv4, hasIPv6: !hasIPv4 })).map((line) => line.slice(0, 4))
    expect(only(true)).toEqual(['ipv4', 'ipv4', 'ipv4', 'ipv4', 'ipv6'])
    expect(only(false)).toEqual(['ipv6', 'ipv6', 'ipv6', 'ipv6', 'ipv6'])
  })

  test.each([true, false])('container, forwarding allowed: %s', (allowIPForwarding) => {
    const on = allowIPForwarding ? 1 : 0
    const request = { name: 'eth0', allowIPForwarding, hasIPv4: true, hasIPv6: true }
    expect(written(containerSysctls(request))).toEqual([
      'ipv6/conf/eth0/accept_dad=0',
      'ipv6/conf/all/disable_ipv6=0',
      'ipv6/conf/default/disable_ipv6=0',
      'ipv6/conf/lo/disable_ipv6=0',
      `ipv6/conf/all/forwarding=${on}`,
      `ipv4/ip_forward=${on}`,
    ])
  })

  test.each(['..', 'a/b', ''])('%j never reaches a path', (name) => {
    expect(() => hostSysctls(name, { hasIPv4: true, hasIPv6: true })).toThrow(/not an interface/)
  })

  test('what may be missing is noted, what matters ends it', () => {
    const notes: string[] = []
    const refuse = ({ path }: Sysctl): void => {
      throw new Error(`no ${path}`)
    }
    const apply = (sysctls: ReadonlyArray<Sysctl>) =>
      applySysctls(sysctls, refuse, { debug: () => undefined, warning: (note) => notes.push(note) })
    apply([{ path: 'ipv6/x', value: '0', optional: true }])
    expect(notes).toEqual(['cannot set net/ipv6/x to 0: no ipv6/x'])
    expect(() => apply([{ path: 'ipv4/y', value: '1' }])).toThrow(
      'cannot set net/ipv4/y to 1: no ipv4/y',
    )
  })
})
