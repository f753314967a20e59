/** An ADD that fails leaves nothing: no link, no route, no address, no handle, no endpoint. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CNIAttachment, type CNIConfList, CNIPluginError } from '@hc-calico/cluster/libcni'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CNILab, nothingStored } from '../lab/cni-lab.ts'

let lab: CNILab
beforeEach(() => {
  lab = new CNILab()
})
afterEach(() => lab?.close())

const failureOf = async (conf: CNIConfList, attachment: CNIAttachment): Promise<CNIPluginError> => {
  try {
    await lab.cni.add(conf, attachment)
  } catch (error) {
    if (error instanceof CNIPluginError) return error
    throw error
  }
  return expect.fail('ADD succeeded')
}

const nothingIsLeft = async (): Promise<void> => {
  expect(await lab.stored()).toEqual(nothingStored)
  expect(lab.network.hostLinks()).toEqual([])
  const toPods = [...lab.host.routes(4), ...lab.host.routes(6)].filter((route) =>
    /^(10\.65|fd65)/.test(route.dst),
  )
  expect(toPods).toEqual([])
}

test('the interface exists in the container', async () => {
  const { namespace, attachment } = lab.container('taken')
  namespace.ip('link', 'add', 'eth0', 'type', 'bridge')
  const failure = await failureOf(lab.conf(), attachment)
  expect(failure.message).toContain('interface eth0 exists already')
  expect(namespace.link('eth0')).toBeDefined()
  await nothingIsLeft()
  // What the runtime does next.
  await lab.cni.del(lab.conf(), attachment)
  expect(namespace.link('eth0')).toBeDefined()
})

test('a route of the host leads elsewhere', async () => {
  lab.host.ip('link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1')
  for (const name of ['other0', 'other1']) lab.host.ip('link', 'set', name, 'up')
  const conf = lab.conf({
    main: lab.datastoreFields([{ name: 'one', cidr: '10.65.0.7/32', blockSize: 32 }]),
    ipam: { assign_ipv6: 'false' },
  })
  lab.host.ip('route', 'add', '10.65.0.7', 'dev', 'other0')
  const { namespace, attachment } = lab.container('routed')
  const failure = await failureOf(conf, attachment)
  expect(failure.message).toContain('a route through other0 exists already')
  expect(namespace.links()).toEqual([])
  expect(await lab.stored()).toEqual(nothingStored)
  expect(lab.host.routeTo('10.65.0.7')).toMatchObject({ dev: 'other0' })
})

test('the pool is exhausted', async () => {
  const pools = [{ name: 'tiny', cidr: '10.65.0.0/31', blockSize: 31 }]
  const conf = lab.conf({ main: lab.datastoreFields(pools), ipam: { assign_ipv6: 'false' } })
  const pods = [lab.container('a'), lab.container('b'), lab.container('c')] as const
  await lab.cni.add(conf, pods[0].attachment)
  await lab.cni.add(conf, pods[1].attachment)
  const failure = await failureOf(conf, pods[2].attachment)
  expect(failure.message).toMatch(/IPv4/)
  expect(pods[2].namespace.links()).toEqual([])
  expect((await lab.stored()).allocations).toHaveLength(2)
  await lab.cni.del(conf, pods[0].attachment)
  await lab.cni.add(conf, pods[2].attachment)
})

test('one family has no pool: the other is given back', async () => {
  const conf = lab.conf({ main: lab.datastoreFields([{ name: 'v4', cidr: '10.65.0.0/16' }]) })
  const { namespace, attachment } = lab.container('half')
  const failure = await failureOf(conf, attachment)
  expect(failure.message).toContain('cannot find a qualified ippool')
  expect(namespace.links()).toEqual([])
  await nothingIsLeft()
})

describe('a namespace that cannot be wired', () => {
  test.each([
    ['missing', () => '/run/netns/hc-no-such', 'does not exist'],
    ['a file', () => plainFile(), 'is not a network namespace'],
    ["the host's own", () => lab.host.path, "is this plugin's own network namespace"],
    ['relative', () => 'run/netns/x', 'must be an absolute path'],
  ])('%s', async (_, netns, sentence) => {
    const failure = await failureOf(lab.conf(), lab.attachment('nowhere', { netns: netns() }))
    expect(failure.message).toContain(sentence)
    await nothingIsLeft()
  })

  const plainFile = (): string => {
    const file = join(lab.directory, 'file')
    writeFileSync(file, '')
    return file
  }
})

test('no right to change links', async () => {
  const through = ['nsenter', `--net=${lab.host.path}`, 'setpriv', '--bounding-set=-net_admin']
  const { namespace, attachment } = lab.container('weak')
  const doing = lab.client({ through }).add(lab.conf(), attachment)
  await expect(doing).rejects.toThrow('operation not permitted')
  expect(namespace.links()).toEqual([])
  await nothingIsLeft()
})

test('the next plugin of the chain fails: DEL takes all back', async () => {
  const conf = lab.conf({ cniVersion: '1.0.0', followedBy: [{ type: 'no-such-plugin' }] })
  const { namespace, attachment } = lab.container('chained')
  await expect(lab.cni.add(conf, attachment)).rejects.toThrow('failed to find plugin')
  await lab.cni.del({ ...conf, plugins: conf.plugins.slice(0, 1) }, attachment)
  expect(namespace.links()).toEqual([])
  await nothingIsLeft()
})
