// DEL, CHECK, GC and STATUS of the main plugin.
import { describe, expect, test } from 'vitest'
import { netns, World } from '../world.ts'

const add = { command: 'ADD' } as const
const del = { command: 'DEL' } as const

describe('DEL', () => {
  test('takes link, endpoint and address away, in this order of safety', async () => {
    const world = await World.create()
    const args = world.pod('web-0')
    await world.run({ ...add, args })
    expect(await world.run({ ...del, args })).toMatchObject({ code: 0, stdout: '' })
    expect(world.kernel.links).toEqual([])
    expect([...world.kernel.hostRoutes]).toEqual([])
    expect(await world.held()).toEqual({})
    expect(await world.list('WorkloadEndpoint')).toEqual([])
    expect(await world.list('Handle')).toEqual([])
  })
  test('as containerd calls it: with the namespace, then without', async () => {
    const world = await World.create()
    const args = world.pod('web-0')
    const { document } = await world.run({ ...add, args })
    expect(await world.run({ ...del, args, conf: { prevResult: document } })).toMatchObject({
      code: 0,
    })
    expect(await world.run({ ...del, args, ns: '' })).toMatchObject({ code: 0 })
  })
  test.each<[string, object]>([
    ['never added', {}],
    ['namespace gone', { ns: 'gone' }],
    ['no namespace', { ns: '' }],
    ['after a reboot: a plain file where the namespace was', { ns: '/var/run/netns/stale' }],
  ])('%s: success', async (_, call) => {
    const world = await World.create()
    world.kernel.plainFiles.add('/var/run/netns/stale')
    const before = await world.picture()
    expect(await world.run({ ...del, args: world.pod('web-0'), ...call })).toMatchObject({
      code: 0,
    })
    expect(await world.picture()).toBe(before)
  })
  test('late, of an older container: the newer one keeps everything', async () => {
    const world = await World.create()
    const args = world.pod('web-0')
    await world.run({ ...add, args })
    const { document } = await world.run({ ...add, id: 'c2', ns: 'b', args })
    await world.run({ ...del, args })
    expect(world.kernel.links).toMatchObject([{ netns: netns('b') }])
    expect(await world.list('WorkloadEndpoint')).toMatchObject([{ containerID: 'c2' }])
    expect(await world.held()).toEqual({ 'k8s-pod-network.c2': 1 })
    const conf = { prevResult: document }
    expect(await world.run({ command: 'CHECK', id: 'c2', ns: 'b', args, conf })).toMatchObject({
      code: 0,
    })
  })
  test('a link that cannot be removed keeps its address', async () => {
    const world = await World.create()
    await world.run(add)
    world.kernel.failing.add('deleteWorkload')
    expect((await world.run(del)).document).toMatchObject({ code: 103 })
    expect(await world.held()).toEqual({ 'k8s-pod-network.c1': 1 })
    world.kernel.failing.clear()
    expect(await world.run(del)).toMatchObject({ code: 0 })
    expect(await world.held()).toEqual({})
  })
  test('never in the host’s own namespace', async () => {
    const world = await World.create()
    const { document } = await world.run({ ...del, ns: '/proc/self/ns/net' })
    expect(document).toMatchObject({ code: 8 })
  })
})

describe('CHECK', () => {
  const checked = async (change: (world: World) => unknown, conf: object = {}) => {
    const world = await World.create()
    const args = world.pod('web-0')
    const { document } = await world.run({ ...add, args, conf })
    await change(world)
    const before = await world.picture()
    const answer = await world.run({
      command: 'CHECK',
      args,
      conf: { ...conf, prevResult: document },
    })
    expect(await world.picture()).toBe(before)
    return answer
  }
  test('says nothing when all is well', async () => {
    expect(await checked(() => {})).toMatchObject({ code: 0, stdout: '' })
  })
  test.each<[string, (world: World) => unknown, string]>([
    [
      'the link is gone',
      (world) => {
        world.kernel.links = []
      },
      'eth0 is missing in /var/run/netns/a',
    ],
    [
      'the endpoint is gone',
      (world) => world.remove('WorkloadEndpoint'),
      'the workload endpoint is missing',
    ],
    [
      'the address was released',
      (world) => world.run({ ...del, plugin: 'ipam' }),
      'is not allocated to this container',
    ],
    [
      'a newer container took over',
      (world) => world.run({ ...add, id: 'c2', ns: 'b', args: world.pod('web-0') }),
      'belongs to container c2',
    ],
  ])('%s', async (_, change, sentence) => {
    const { document } = await checked(change)
    expect(document).toMatchObject({ code: 102, msg: expect.stringContaining(sentence) })
  })
  test('reports everything at once', async () => {
    const { document } = await checked(async (world) => {
      world.kernel.links = []
      await world.remove('WorkloadEndpoint')
      await world.run({ ...del, plugin: 'ipam' })
    })
    expect(document.msg.split('; ')).toHaveLength(3)
  })
  test('the namespace is gone', async () => {
    const { document } = await checked((world) => world.kernel.namespaces.clear())
    expect(document).toMatchObject({ code: 8 })
  })
  test('another plugin of the chain added an interface', async () => {
    const world = await World.create()
    const { document } = await world.run(add)
    const prevResult = { ...document, interfaces: [...document.interfaces, { name: 'bwp0' }] }
    expect(await world.run({ command: 'CHECK', conf: { prevResult } })).toMatchObject({ code: 0 })
  })
})

describe('GC', () => {
  const gc = (alive: ReadonlyArray<string>, conf: object = {}) => ({
    command: 'GC',
    conf: {
      'cni.dev/valid-attachments': alive.map((containerID) => ({ containerID, ifname: 'eth0' })),
      ...conf,
    },
  })
  test('endpoints, links and addresses of the dead, and of nobody else', async () => {
    const world = await World.create()
    await world.run({ ...add, id: 'alive', ns: 'a', args: world.pod('alive') })
    await world.run({ ...add, id: 'dead', ns: 'b', args: world.pod('dead') })
    await world.run({
      ...add,
      id: 'else',
      ns: 'c',
      args: world.pod('else'),
      conf: { name: 'other', policy: { type: 'k8s' } },
    })
    expect(await world.run(gc(['alive']))).toMatchObject({ code: 0, stdout: '' })
    expect(world.kernel.links.map((link) => link.netns)).toEqual([netns('a'), netns('c')])
    expect((await world.list('WorkloadEndpoint')).map((one) => one.containerID)).toEqual([
      'alive',
      'else',
    ])
    expect(await world.held()).toEqual({ 'k8s-pod-network.alive': 1, 'other.else': 1 })
  })
  test('an endpoint cannot name just any link of the host', async () => {
    const world = await World.create()
    await world.run({ ...add, id: 'dead', args: world.pod('dead') })
    const [found] = (await world.read([{ list: 'WorkloadEndpoint' }]))[0]
    await world.seed([
      {
        op: 'update',
        key: found.key,
        revision: found.revision,
        value: { ...found.value, interfaceName: 'eth0' },
      },
    ])
    const before = world.kernel.picture()
    expect(await world.run(gc([]))).toMatchObject({ code: 0 })
    expect(world.kernel.picture()).toBe(before)
  })
  test('a pod whose newer container is alive keeps all', async () => {
    const world = await World.create()
    const args = world.pod('web-0')
    await world.run({ ...add, id: 'old', args })
    await world.run({ ...add, id: 'new', ns: 'b', args })
    await world.run(gc(['new']))
    expect(world.kernel.links).toMatchObject([{ netns: netns('b') }])
    expect(await world.list('WorkloadEndpoint')).toMatchObject([{ containerID: 'new' }])
    expect(await world.held()).toEqual({ 'k8s-pod-network.new': 1 })
  })
})

describe('STATUS', () => {
  test.each<[string, object, number | undefined, string]>([
    ['well', {}, undefined, ''],
    ['no IPAM', { ipam: {} }, 50, 'ipam.type is missing'],
    [
      'an IPAM plugin that is not installed',
      { ipam: { type: 'dhcp' } },
      7,
      'failed to find plugin "dhcp"',
    ],
    [
      'no ClusterInformation',
      { datastore_type: 'etcdv3', nodename_file_optional: true },
      50,
      'error getting ClusterInformation',
    ],
    [
      'calico/node does not run',
      { datastore_type: 'etcdv3' },
      50,
      'check that the calico/node container is running',
    ],
    ['no MTU file', { require_mtu_file: true }, 50, 'require_mtu_file is set'],
  ])('%s', async (_, conf, code, sentence) => {
    const world = await World.create()
    const before = await world.picture()
    const { document } = await world.run({ command: 'STATUS', conf })
    expect(await world.picture()).toBe(before)
    if (code === undefined) expect(document).toBeUndefined()
    else expect(document).toMatchObject({ code, msg: expect.stringContaining(sentence) })
  })
})
