// Namespaces: made, connected, gone, and the machine's own links and routes as they were.
import { existsSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { command } from '../src/command.ts'
import { createLAN } from '../src/lan.ts'
import {
  createNamespace,
  createNamespaceNamed,
  createNode,
  type NetworkNamespace,
  nodeAddresses,
} from '../src/netns.ts'

const made: NetworkNamespace[] = []
const keep = (namespace: NetworkNamespace): NetworkNamespace => {
  made.push(namespace)
  return namespace
}
afterEach(async () => {
  for (const namespace of made.splice(0)) await namespace.delete()
})

/** Links other tests may make meanwhile are left out: they begin with hc or cali. */
const ownNetwork = async () => ({
  links: (JSON.parse(await command('ip', ['-j', 'link'])) as { ifname: string }[])
    .map((link) => link.ifname)
    .filter((name) => !/^(hc|cali|veth)/.test(name)),
  defaults: await command('ip', ['route', 'show', 'default']),
  forwarding: await command('cat', ['/proc/sys/net/ipv4/ip_forward']),
})

describe('a namespace', () => {
  test('is there, has a loopback, runs commands, is gone', async () => {
    const namespace = keep(await createNamespace('one'))
    expect(namespace.name).toMatch(/^hc-p\d+-[0-9a-f]{6}-one$/)
    expect(await namespace.reaches('127.0.0.1')).toBe(true)
    expect(await namespace.reaches('192.0.2.99')).toBe(false)
    expect(await namespace.links()).toEqual([])
    await namespace.delete()
    await namespace.delete()
    expect(existsSync(namespace.path)).toBe(false)
  })

  test('with a fixed name: one that is there already is replaced', async () => {
    const first = keep(await createNamespaceNamed('hc-test-named'))
    await first.ip('link', 'add', 'one0', 'type', 'veth', 'peer', 'name', 'one1')
    const second = keep(await createNamespaceNamed('hc-test-named'))
    expect(await second.links()).toEqual([])
    await expect(createNamespaceNamed('somebody-elses')).rejects.toThrow('must begin with hc-')
  })

  test('a node forwards and has a default route of each family', async () => {
    const before = await ownNetwork()
    const node = keep(await createNode('node'))
    for (const family of [4, 6] as const) {
      const routes = await node.routes(family)
      expect(routes.filter((route) => route.dst === 'default')).toHaveLength(1)
    }
    expect(await node.exec('cat', ['/proc/sys/net/ipv4/ip_forward'])).toBe('1\n')
    expect(await node.reaches(nodeAddresses.v4)).toBe(true)
    expect(await node.reaches(nodeAddresses.v6)).toBe(true)
    expect(await ownNetwork()).toEqual(before)
  })
})

test('a LAN connects members with each other and with us, and leaves no link', async () => {
  const before = await ownNetwork()
  const lan = await createLAN('test')
  try {
    const [one, two] = [keep(await createNamespace('one')), keep(await createNamespace('two'))]
    const address = await lan.attach(one, 1)
    await lan.attach(two, 2)
    expect(address).toBe(lan.address(1))
    expect(await two.reaches(address)).toBe(true)
    expect(await one.reaches(lan.hostAddress)).toBe(true)
    expect(await command('ping', ['-c1', '-W2', address])).toContain('1 received')
  } finally {
    await lan.remove()
  }
  const routes = await command('ip', ['route', 'show', `${lan.address(0)}/24`])
  expect(routes).toBe('')
  expect(await ownNetwork()).toEqual(before)
})
