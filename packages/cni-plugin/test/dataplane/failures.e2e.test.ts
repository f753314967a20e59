/** ADD that cannot succeed: one clear sentence, and nothing left in the kernel. */
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AddWorkloadRequest } from '../../src/dataplane/dataplane.ts'
import { type LabNamespace, NetworkLab } from '../lab/network-lab.ts'
import { addRequest, drive, driveOne, driveThrough } from './driven.ts'

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

const add = (over: Partial<AddWorkloadRequest> = {}) =>
  drive(host, { method: 'addWorkload', argument: addRequest(pod.path, over) })[0]

const errorOf = (over: Partial<AddWorkloadRequest> = {}): string => add(over)?.error ?? 'no error'

const nothingIsLeft = (): void => {
  expect(host.link(cali)).toBeUndefined()
  expect(host.routeTo('10.65.0.5')).toBeUndefined()
  expect(host.routeTo('fd65::5')).toBeUndefined()
}

describe('the namespace', () => {
  test.each([
    ['is missing', () => '/run/netns/hc-no-such', /does not exist/],
    ['is a file', () => '/etc/hostname', /is not a network namespace/],
    ['is a FIFO nobody writes to', () => fifo(), /is not a network namespace/],
    ['is of another kind', () => '/proc/self/ns/mnt', /is not a network namespace/],
    ["is the host's own", () => host.path, /is the host's own network namespace/],
  ])('%s', (_, netns, sentence) => {
    expect(errorOf({ netns: netns() })).toMatch(sentence)
    nothingIsLeft()
  })

  const fifo = (): string => {
    const path = `/tmp/${pod.name}.fifo`
    spawnSync('mkfifo', [path])
    return path
  }
  afterEach(() => spawnSync('rm', ['-f', `/tmp/${pod.name}.fifo`]))
})

describe('something is in the way', () => {
  test('an interface of that name in the container', () => {
    pod.ip('link', 'add', 'eth0', 'type', 'bridge')
    expect(errorOf()).toBe(`interface eth0 exists already in network namespace ${pod.path}`)
    expect(pod.link('eth0')).toBeDefined()
    nothingIsLeft()
  })

  test('a host link of that name that is no pair', () => {
    host.ip('link', 'add', cali, 'type', 'bridge')
    expect(errorOf()).toBe(`link ${cali} exists on the host and is a bridge, not ours`)
    expect(pod.links()).toEqual([])
  })

  test('a default route of another network of the container', () => {
    pod.ip('link', 'add', 'net1', 'type', 'veth', 'peer', 'name', 'net2')
    for (const name of ['net1', 'net2']) pod.ip('link', 'set', name, 'up')
    pod.ip('route', 'add', 'default', 'dev', 'net1')
    expect(errorOf()).toMatch(
      /cannot add route 0\.0\.0\.0\/0 via 169\.254\.1\.1 to eth0 in .*exists/,
    )
    expect(pod.link('eth0')).toBeUndefined()
    nothingIsLeft()
  })

  test('an MTU no link can have', () => {
    expect(errorOf({ mtu: 70_000 })).toMatch(/with MTU 70000: invalid argument/)
    nothingIsLeft()
  })

  test('a MAC address no link can have', () => {
    expect(errorOf({ containerMAC: 'ff:ff:ff:ff:ff:ff' })).toMatch(/cannot create link/)
    nothingIsLeft()
  })

  test.each([
    ['to change links', 'net_admin', /cannot create link .*: operation not permitted \(EPERM\)/],
    ['to enter namespaces', 'sys_admin', /setns: operation not permitted \(EPERM\)/],
  ])('no right %s', (_, capability, sentence) => {
    const [answer] = driveThrough(['setpriv', `--bounding-set=-${capability}`], host, [
      { method: 'addWorkload', argument: addRequest(pod.path) },
    ])
    expect(answer?.error).toMatch(sentence)
    expect(pod.links()).toEqual([])
    nothingIsLeft()
  })
})

describe('a route to the address', () => {
  const other = (label: string, up: boolean): void => {
    host.ip('link', 'add', label, 'type', 'veth', 'peer', 'name', `${label}p`)
    host.ip('link', 'set', label, 'up')
    if (up) host.ip('link', 'set', `${label}p`, 'up')
  }

  test.each([
    ['10.65.0.5', '10.65.0.5/32'],
    ['fd65::5', 'fd65::5/128'],
  ])('%s through a live link is an error that names it', (address, dst) => {
    other('caliother', true)
    host.ip('route', 'add', address, 'dev', 'caliother')
    expect(errorOf()).toBe(
      `cannot add route ${dst} through ${cali}: a route through caliother exists already, and its link is up`,
    )
    expect(host.routeTo(address)).toMatchObject({ dev: 'caliother' })
    expect(pod.link('eth0')).toBeUndefined()
    expect(host.link(cali)).toBeUndefined()
  })

  test.each(['10.65.0.5', 'fd65::5'])(
    '%s through a link whose other end is down is replaced',
    (address) => {
      other('calistale', false)
      host.ip('route', 'add', address, 'dev', 'calistale')
      expect(add()).toMatchObject({ notes: [expect.stringContaining('replaced a stale route')] })
      const routes = host.routes(address.includes(':') ? 6 : 4).filter((one) => one.dst === address)
      expect(routes).toMatchObject([{ dev: cali }])
    },
  )

  test('that leads nowhere is replaced', () => {
    host.ip('route', 'add', 'blackhole', '10.65.0.5')
    expect(add()?.error).toBeUndefined()
    expect(host.routeTo('10.65.0.5')).toMatchObject({ dev: cali })
  })

  test('through a link that goes away a moment later is waited for', () => {
    other('caligoing', true)
    host.ip('route', 'add', '10.65.0.5', 'dev', 'caligoing')
    later(400, ['link', 'del', 'caligoing'])
    const { ms } = driveOne(host, { method: 'addWorkload', argument: addRequest(pod.path) })
    expect(ms).toBeGreaterThan(100)
    expect(host.routeTo('10.65.0.5')).toMatchObject({ dev: cali })
  })

  const later = (ms: number, args: ReadonlyArray<string>): void => {
    const command = `(sleep ${ms / 1000}; ip -n ${host.name} ${args.join(' ')}) >/dev/null 2>&1 &`
    spawnSync('sh', ['-c', command])
  }
})
