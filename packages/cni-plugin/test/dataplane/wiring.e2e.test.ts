/** The real kernel after ADD, DEL and CHECK of the dataplane, as iproute2 sees it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AddWorkloadRequest } from '../../src/dataplane/dataplane.ts'
import { type LabNamespace, NetworkLab } from '../lab/network-lab.ts'
import { addRequest, checkRequest, drive, driveOne } from './driven.ts'

let lab: NetworkLab
let host: LabNamespace
let pod: LabNamespace

beforeEach(() => {
  lab = new NetworkLab()
  host = lab.host
  pod = lab.namespace('pod')
})
afterEach(() => lab.close())

const cali = 'cali0123456789a'
const gatewayIPv6 = 'fe80::ecee:eeff:feee:eeee'

const add = (over: Partial<AddWorkloadRequest> = {}) =>
  driveOne(host, { method: 'addWorkload', argument: addRequest(pod.path, over) })

const remove = (netns = pod.path) =>
  driveOne(host, {
    method: 'deleteWorkload',
    argument: { netns, containerInterface: 'eth0' },
  })

describe('ADD', () => {
  test('dual stack: links, addresses, routes on both sides', () => {
    const { value, notes } = add()
    expect(notes).toEqual([])
    const [inside, outside] = [pod.link('eth0'), host.link(cali)]
    expect(value).toEqual({ hostInterface: cali, containerMAC: inside?.address, mtu: 1450 })
    expect(outside).toMatchObject({
      address: 'ee:ee:ee:ee:ee:ee',
      mtu: 1450,
      num_tx_queues: 1,
      num_rx_queues: 1,
      link_index: inside?.ifindex,
    })
    expect(inside).toMatchObject({ mtu: 1450, link_index: outside?.ifindex })
    for (const link of [inside, outside]) {
      expect(link?.flags).toEqual(expect.arrayContaining(['UP', 'LOWER_UP']))
    }
    expect(pod.addresses('eth0')).toEqual(['10.65.0.5/32', 'fd65::5/128'])
    expect(host.addresses(cali)).toEqual([])
    const linkLocal = outside?.addr_info?.find((one) => one.scope === 'link')
    expect(linkLocal).toMatchObject({ local: gatewayIPv6 })
    expect(linkLocal?.tentative).toBeUndefined()
  })

  test('dual stack: routes', () => {
    add()
    expect(pod.routes(4)).toMatchObject([
      { dst: 'default', gateway: '169.254.1.1', dev: 'eth0' },
      { dst: '169.254.1.1', dev: 'eth0', scope: 'link' },
    ])
    expect(pod.routes(4)).toHaveLength(2)
    expect(pod.routes(6).find((route) => route.dst === 'default')).toMatchObject({
      gateway: gatewayIPv6,
      dev: 'eth0',
    })
    expect(host.routeTo('10.65.0.5')).toMatchObject({ dev: cali, scope: 'link', protocol: 'boot' })
    expect(host.routeTo('10.65.0.5')?.gateway).toBeUndefined()
    expect(host.routeTo('fd65::5')).toMatchObject({ dev: cali, protocol: 'boot' })
  })

  test('dual stack: sysctls', () => {
    add()
    const hostValues = {
      [`ipv4/conf/${cali}/route_localnet`]: '1',
      [`ipv4/neigh/${cali}/proxy_delay`]: '0',
      [`ipv4/conf/${cali}/proxy_arp`]: '1',
      [`ipv4/conf/${cali}/forwarding`]: '1',
      [`ipv6/conf/${cali}/accept_dad`]: '0',
      [`ipv6/conf/${cali}/disable_ipv6`]: '0',
      [`ipv6/conf/${cali}/proxy_ndp`]: '1',
      [`ipv6/conf/${cali}/forwarding`]: '1',
      [`ipv6/conf/${cali}/accept_ra`]: '0',
    }
    const podValues = {
      'ipv6/conf/eth0/accept_dad': '0',
      'ipv6/conf/all/disable_ipv6': '0',
      'ipv6/conf/default/disable_ipv6': '0',
      'ipv6/conf/lo/disable_ipv6': '0',
      'ipv4/ip_forward': '0',
      'ipv6/conf/all/forwarding': '0',
    }
    const values = (where: LabNamespace, wanted: object) =>
      Object.fromEntries(Object.keys(wanted).map((path) => [path, where.sysctl(path)]))
    expect(values(host, hostValues)).toEqual(hostValues)
    expect(values(pod, podValues)).toEqual(podValues)
  })

  test('packets pass: pod to host, pod to pod, both families', () => {
    const second = lab.namespace('pod2')
    add()
    driveOne(host, {
      method: 'addWorkload',
      argument: addRequest(second.path, {
        hostInterface: 'calibbbbbbbbbbb',
        addresses: ['10.65.0.6', 'fd65::6'],
      }),
    })
    const reached = ['192.0.2.1', '2001:db8:ffff::1', '10.65.0.6', 'fd65::6'].map((address) => [
      address,
      pod.reaches(address),
    ])
    expect(reached.filter(([, reaches]) => reaches !== true)).toEqual([])
    expect(second.reaches('10.65.0.5')).toBe(true)
    expect(host.reaches('fd65::6')).toBe(true)
  })

  test('IPv4 only: nothing of IPv6', () => {
    add({ addresses: ['10.65.0.5'], allowIPForwarding: true, mtu: 0, numQueues: 2 })
    expect(pod.addresses('eth0')).toEqual(['10.65.0.5/32'])
    expect(pod.routes(6).filter((route) => route.gateway !== undefined)).toEqual([])
    expect(pod.sysctl('ipv4/ip_forward')).toBe('1')
    expect(pod.sysctl('ipv6/conf/all/forwarding')).toBe('0')
    expect(pod.link('eth0')).toMatchObject({ mtu: 1500, num_tx_queues: 2, num_rx_queues: 2 })
    expect(host.link(cali)).toMatchObject({ mtu: 1500, num_tx_queues: 2, num_rx_queues: 2 })
    expect(host.routeTo('fd65::5')).toBeUndefined()
  })

  test('IPv6 only, where IPv6 is switched off by default and forwarding wanted', () => {
    for (const scope of ['all', 'default']) pod.setSysctl(`ipv6/conf/${scope}/disable_ipv6`, '1')
    add({ addresses: ['fd65::5'], allowIPForwarding: true })
    expect(pod.addresses('eth0')).toEqual(['fd65::5/128'])
    expect(pod.routes(4)).toEqual([])
    expect(pod.sysctl('ipv6/conf/all/forwarding')).toBe('1')
    expect(pod.reaches('2001:db8:ffff::1')).toBe(true)
  })

  test('a host whose default is another kind of link-local address', () => {
    host.setSysctl('ipv6/conf/default/stable_secret', '2001:db8::1')
    host.setSysctl('ipv6/conf/default/addr_gen_mode', '2')
    add()
    const found = host.link(cali)?.addr_info?.filter((one) => one.scope === 'link') ?? []
    expect(found.map((one) => one.local)).toEqual([gatewayIPv6])
    expect(pod.reaches('2001:db8:ffff::1')).toBe(true)
  })

  test('a wanted MAC address, and given routes instead of the default', () => {
    const { value } = add({
      containerMAC: '02:00:00:00:00:01',
      routes: [{ dst: '10.0.0.0/8' }, { dst: '10.0.0.0/8' }, { dst: 'fd00::/8' }],
    })
    expect(value).toMatchObject({ containerMAC: '02:00:00:00:00:01' })
    expect(pod.link('eth0')?.address).toBe('02:00:00:00:00:01')
    expect(pod.routes(4).map((route) => route.dst)).toEqual(['10.0.0.0/8', '169.254.1.1'])
    expect(pod.routeTo('fd00::/8')).toMatchObject({ gateway: gatewayIPv6 })
  })

  test('netkit falls back to veth where the kernel has none', () => {
    add({ deviceType: 'netkit' })
    expect(pod.addresses('eth0')).toEqual(['10.65.0.5/32', 'fd65::5/128'])
  })

  test('routes left to Felix', () => {
    add({ skipHostRoutes: true })
    expect(host.routeTo('10.65.0.5')).toBeUndefined()
    expect(host.routeTo('fd65::5')).toBeUndefined()
  })

  test('again for a new container of the pod: the old link is replaced', () => {
    add()
    const before = host.link(cali)?.ifindex
    const newer = lab.namespace('newer')
    driveOne(host, { method: 'addWorkload', argument: addRequest(newer.path) })
    expect(host.link(cali)?.ifindex).not.toBe(before)
    expect(pod.link('eth0')).toBeUndefined()
    expect(host.link(cali)?.link_index).toBe(newer.link('eth0')?.ifindex)
  })

  test('replayed for the same container: the same again', () => {
    add()
    const { value } = add()
    expect(value).toMatchObject({ containerMAC: pod.link('eth0')?.address })
    expect(pod.addresses('eth0')).toEqual(['10.65.0.5/32', 'fd65::5/128'])
  })
})

describe('DEL', () => {
  test('takes the link and its routes, twice is once', () => {
    add()
    remove()
    expect(pod.links()).toEqual([])
    expect(lab.hostLinks()).toEqual([])
    expect(host.routeTo('10.65.0.5')).toBeUndefined()
    expect(host.routeTo('fd65::5')).toBeUndefined()
    expect(remove().notes).toEqual([])
  })

  test.each([
    ['no such namespace', () => '/run/netns/hc-no-such', /is missing/],
    ['a path through a file', () => '/etc/passwd/x', /is missing/],
    ['a file that is no namespace', () => '/etc/hostname', /is notANamespace/],
    ['a namespace of another kind', () => '/proc/self/ns/mnt', /is notANamespace/],
    ["the host's own namespace", () => host.path, /host's own network namespace/],
  ])('%s is success, and noted', (_, netns, note) => {
    add()
    expect(remove(netns()).notes).toEqual([expect.stringMatching(note)])
    expect(host.link(cali)).toBeDefined()
  })

  test('of an older container leaves the link of the newer one', () => {
    add()
    const newer = lab.namespace('newer')
    driveOne(host, { method: 'addWorkload', argument: addRequest(newer.path) })
    remove(pod.path)
    expect(host.link(cali)?.link_index).toBe(newer.link('eth0')?.ifindex)
  })

  test('an interface of another kind is left alone', () => {
    pod.ip('link', 'add', 'eth0', 'type', 'bridge')
    expect(remove().notes).toEqual([expect.stringContaining('is a bridge, not ours')])
    expect(pod.link('eth0')).toBeDefined()
  })

  test('a link of the host by name, for garbage collection', () => {
    add()
    const collect = (hostInterface: string) =>
      driveOne(host, { method: 'deleteHostInterface', argument: hostInterface })
    collect(cali)
    expect(lab.hostLinks()).toEqual([])
    collect(cali)
    host.ip('link', 'add', 'br0', 'type', 'bridge')
    expect(() => collect('br0')).toThrow('link br0 is a bridge, not ours')
  })
})

describe('CHECK', () => {
  const problems = (over = {}) =>
    driveOne(host, {
      method: 'checkWorkload',
      argument: checkRequest(addRequest(pod.path), over),
    }).value

  test('of what ADD made finds nothing', () => {
    const { value } = add()
    const { containerMAC } = value as { containerMAC: string }
    expect(problems({ containerMAC })).toEqual([])
  })

  test.each<readonly [string, () => void, RegExp]>([
    ['the interface', () => pod.ip('link', 'del', 'eth0'), /interface eth0 in .* does not exist/],
    [
      'an IPv4 address',
      () => pod.ip('addr', 'flush', 'dev', 'eth0', 'to', '10.65.0.5/32'),
      /lacks address 10.65.0.5\/32/,
    ],
    [
      'an IPv6 address',
      () => pod.ip('addr', 'del', 'fd65::5/128', 'dev', 'eth0'),
      /lacks address fd65::5\/128/,
    ],
    [
      'the gateway',
      () => {
        pod.ip('route', 'del', 'default')
        pod.ip('route', 'del', '169.254.1.1')
      },
      /route 169.254.1.1\/32 is missing/,
    ],
    [
      'the IPv4 default route',
      () => pod.ip('route', 'del', 'default'),
      /route 0.0.0.0\/0 via 169.254.1.1 is missing/,
    ],
    [
      'the IPv6 default route',
      () => pod.ip('-6', 'route', 'del', 'default'),
      /route ::\/0 via fe80::ecee:eeff:feee:eeee is missing/,
    ],
    [
      'an IPv4 host route',
      () => host.ip('route', 'del', '10.65.0.5'),
      /host route 10.65.0.5\/32 through cali0123456789a is missing/,
    ],
    [
      'an IPv6 host route',
      () => host.ip('-6', 'route', 'del', 'fd65::5'),
      /host route fd65::5\/128 through cali0123456789a is missing/,
    ],
    ['the link state', () => pod.ip('link', 'set', 'eth0', 'down'), /interface eth0 in .* is down/],
    [
      'the MTU',
      () => pod.ip('link', 'set', 'eth0', 'mtu', '1400'),
      /MTU .* is 1400, and ADD reported 1450/,
    ],
  ])('without %s says so', (_, damage, sentence) => {
    add()
    damage()
    expect(problems()).toEqual(expect.arrayContaining([expect.stringMatching(sentence)]))
  })

  test('a missing namespace is a finding', () => {
    pod.delete()
    expect(problems()).toEqual([`network namespace ${pod.path} does not exist`])
  })

  test('a host link that leads elsewhere', () => {
    add()
    host.ip('link', 'set', cali, 'name', 'other0')
    host.ip('link', 'add', cali, 'type', 'veth', 'peer', 'name', 'up9')
    expect(problems()).toEqual(
      expect.arrayContaining([expect.stringContaining('is not the other end of')]),
    )
  })
})

test('a process that visited a container acts in the host afterwards', () => {
  const inspect = (netns: string) => ({ method: 'inspectNamespace', argument: netns }) as const
  const answers = drive(
    host,
    { method: 'addWorkload', argument: addRequest(pod.path) },
    inspect(host.path),
    inspect(pod.path),
    inspect('/etc/hostname'),
    inspect('/run/netns/hc-no-such'),
  )
  expect(answers.slice(1).map((answer) => answer.value)).toEqual([
    { state: 'present', isOwn: true },
    { state: 'present', isOwn: false },
    { state: 'notANamespace', isOwn: false },
    { state: 'missing', isOwn: false },
  ])
})
