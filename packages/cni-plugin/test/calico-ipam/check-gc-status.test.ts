// The IPAM plugin's questions: are the addresses still the container's, what is left of containers
// that are gone, is there room.
import { describe, expect, test } from 'vitest'
import { containerOf } from '../../src/calico-ipam/gc.ts'
import { nodeWrite, pool, poolWrite, World } from '../world.ts'

const ipam = 'ipam' as const
const add = { command: 'ADD', plugin: ipam }

describe('CHECK', () => {
  const checked = async (change: (world: World) => Promise<unknown>) => {
    const world = await World.create()
    const { document } = await world.run(add)
    await change(world)
    const before = await world.picture()
    const answer = await world.run({
      command: 'CHECK',
      plugin: ipam,
      conf: { prevResult: document },
    })
    expect(await world.picture()).toBe(before)
    return { ...answer, ip: document.ips[0].address.split('/')[0] }
  }
  test('says nothing when all is well', async () => {
    expect(await checked(async () => {})).toMatchObject({ code: 0, stdout: '' })
  })
  test('finds an address that was released', async () => {
    const { document, ip } = await checked((world) => world.run({ command: 'DEL', plugin: ipam }))
    expect(document).toMatchObject({
      code: 102,
      msg: `CHECK failed: ${ip} is not allocated to this container (handle k8s-pod-network.c1)`,
    })
  })
  test('finds an address that belongs to somebody else by now', async () => {
    const world = await World.create()
    const { document } = await world.run({ ...add, id: 'other' })
    await world.run(add)
    const conf = { prevResult: document }
    const answer = await world.run({ command: 'CHECK', plugin: ipam, conf })
    expect(answer.document).toMatchObject({ code: 102 })
  })
  test('does not mind a disabled pool', async () => {
    const { code } = await checked(async (world) => {
      const [found] = await world.read([{ get: { kind: 'IPPool', name: 'pool-10-244-0-0-16' } }])
      await world.seed([
        {
          op: 'update',
          key: found.key,
          revision: found.revision,
          value: { ...found.value, disabled: true },
        },
      ])
    })
    expect(code).toBe(0)
  })
  test('needs addresses in prevResult', async () => {
    const world = await World.create()
    const conf = { prevResult: { cniVersion: '1.1.0' } }
    const answer = await world.run({ command: 'CHECK', plugin: ipam, conf })
    expect(answer.document).toMatchObject({
      code: 7,
      msg: expect.stringContaining('prevResult has no ips'),
    })
  })
})

describe('GC', () => {
  const gc = (alive: ReadonlyArray<string>, conf: object = {}) => ({
    command: 'GC',
    plugin: ipam,
    conf: {
      'cni.dev/valid-attachments': alive.map((containerID) => ({ containerID, ifname: 'eth0' })),
      ...conf,
    },
  })
  const world = async () => {
    const made = await World.create()
    await made.seed([nodeWrite('node-2')])
    await made.run({
      ...add,
      id: 'alive',
      conf: { ipam: { type: 'hc-calico-ipam', assign_ipv6: 'true' } },
    })
    await made.run({
      ...add,
      id: 'dead',
      conf: { ipam: { type: 'hc-calico-ipam', assign_ipv6: 'true' } },
    })
    await made.run({ ...add, id: 'elsewhere', conf: { nodename: 'node-2' } })
    await made.run({ ...add, id: 'dead', conf: { name: 'other-network' } })
    await made.run({ ...add, id: 'dead', conf: { name: 'k8s-pod-network.b' } })
    return made
  }
  test('gives back what the dead hold, and only that', async () => {
    const made = await world()
    expect(await made.run(gc(['alive']))).toMatchObject({ code: 0, stdout: '' })
    expect(await made.held()).toEqual({
      'k8s-pod-network.alive': 2,
      'k8s-pod-network.elsewhere': 1,
      'other-network.dead': 1,
      'k8s-pod-network.b.dead': 1,
    })
    expect((await made.list('Handle')).map((one) => one.id)).not.toContain('k8s-pod-network.dead')
  })
  test('with nobody alive takes everything of this node and network', async () => {
    const made = await world()
    await made.run(gc([]))
    expect(Object.keys(await made.held()).sort()).toEqual([
      'k8s-pod-network.b.dead',
      'k8s-pod-network.elsewhere',
      'other-network.dead',
    ])
  })
  test('with everybody alive writes nothing', async () => {
    const made = await world()
    const before = await made.picture()
    await made.run(gc(['alive', 'dead']))
    expect(await made.picture()).toBe(before)
  })
  test.each([
    ['net.abc', 'net', 'abc'],
    ['net.b.abc', 'net', undefined],
    ['net.vmi.ns.vm', 'net', undefined],
    ['network.abc', 'net', undefined],
    ['net.', 'net', undefined],
    ['ipip-tunnel-addr-node-1', 'net', undefined],
  ])('handle %s in network %s is container %s', (handle, network, container) => {
    expect(containerOf(handle, network)).toBe(container)
  })
})

describe('STATUS', () => {
  const status = (conf: object = {}) => ({ command: 'STATUS', plugin: ipam, conf })
  const dual = { ipam: { type: 'hc-calico-ipam', assign_ipv6: 'true' } }
  const four = pool('10.7.0.0/28', { blockSize: 30 })

  test.each<
    [string, ReadonlyArray<Parameters<World['seed']>[0][number]>, object, string | undefined]
  >([
    ['room', [poolWrite(four), nodeWrite('node-1')], {}, undefined],
    ['no pool at all', [nodeWrite('node-1')], {}, 'cannot find a qualified ippool'],
    ['no pool of the family', [poolWrite(four), nodeWrite('node-1')], dual, 'IPv6'],
    [
      'a disabled pool',
      [poolWrite({ ...four, disabled: true }), nodeWrite('node-1')],
      {},
      'cannot find a qualified ippool',
    ],
    [
      'a pool for other nodes',
      [
        poolWrite(pool('10.7.0.0/28', { blockSize: 30, nodeSelector: 'rack == "b"' })),
        nodeWrite('node-1'),
      ],
      {},
      'no configured Calico pools',
    ],
    [
      'a configured pool that is not there',
      [poolWrite(four), nodeWrite('node-1')],
      { ipam: { type: 'hc-calico-ipam', ipv4_pools: ['10.9.0.0/24'] } },
      'the given pool (10.9.0.0/24) does not exist',
    ],
    ['a node nobody knows', [poolWrite(four)], {}, 'node-1'],
  ])('%s', async (_, writes, conf, reason) => {
    const world = await World.create(writes)
    const before = await world.picture()
    const { code, document } = await world.run(status(conf))
    expect(await world.picture()).toBe(before)
    if (reason === undefined)
      return expect({ code, document }).toEqual({ code: 0, document: undefined })
    expect(document).toMatchObject({ code: 50, msg: expect.stringContaining(reason) })
  })
  test('a pool that is full, for one that may borrow and for one that may not', async () => {
    const world = await World.create([poolWrite(four), nodeWrite('node-1'), nodeWrite('node-2')])
    for (let i = 0; i < 15; i += 1) await world.run({ ...add, id: `c${i}` })
    expect(await world.run(status())).toMatchObject({ code: 0 })
    expect(await world.run(status({ nodename: 'node-2' }))).toMatchObject({ code: 0 })
    await world.run({ ...add, id: 'last' })
    const { document } = await world.run(status())
    expect(document).toMatchObject({ code: 50, msg: expect.stringContaining('10.7.0.0/28') })
  })
})
