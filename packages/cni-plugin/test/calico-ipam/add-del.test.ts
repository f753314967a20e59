// The IPAM plugin: what a container gets, in which form, and that everything comes back.
import { describe, expect, test } from 'vitest'
import { annotated, nodeWrite, pool, poolWrite, World } from '../world.ts'

const ipam = (more: object = {}) => ({ ipam: { type: 'hc-calico-ipam', ...more } })
const dual = ipam({ assign_ipv6: 'true' })
const add = { command: 'ADD', plugin: 'ipam' } as const
const del = { command: 'DEL', plugin: 'ipam' } as const

const v4 = /^10\.244\.\d+\.\d+\/26$/
const v6 = /^fd80:24e2:[0-9a-f:]+\/122$/

/** A replay writes the blocks anew, so that no release sent before can come. */
const unversioned = (picture: string): string =>
  picture.replaceAll(/"sequenceNumber":"?\d+n?"?/g, '')

describe('ADD', () => {
  test('one address with its block’s prefix length, and a route that names the block', async () => {
    const world = await World.create()
    const { code, document } = await world.run(add)
    expect(code).toBe(0)
    const [ip] = document.ips
    expect(document).toEqual({
      cniVersion: '1.1.0',
      ips: [{ address: expect.stringMatching(v4) }],
      routes: [{ dst: ip.address }],
      dns: {},
    })
  })
  test('both families, IPv4 first', async () => {
    const world = await World.create()
    const { document } = await world.run({ ...add, conf: dual })
    expect(document.ips).toEqual([
      { address: expect.stringMatching(v4) },
      { address: expect.stringMatching(v6) },
    ])
    expect(await world.held()).toEqual({ 'k8s-pod-network.c1': 2 })
  })
  test('IPv6 alone', async () => {
    const world = await World.create()
    const conf = ipam({ assign_ipv4: 'false', assign_ipv6: 'true' })
    const { document } = await world.run({ ...add, conf })
    expect(document.ips).toEqual([{ address: expect.stringMatching(v6) }])
  })
  test('before 0.3.0 the form has no blocks', async () => {
    const world = await World.create()
    const { document } = await world.run({ ...add, conf: { cniVersion: '0.2.0' } })
    expect(document.ip4.ip).toMatch(/\/32$/)
  })
  test('what is stored: node, pod, namespace, time', async () => {
    const world = await World.create()
    await world.run({ ...add, args: world.pod('web-0', 'shop') })
    const [block] = await world.list('Block')
    expect(block.attributes).toEqual([
      {
        handleID: 'k8s-pod-network.c1',
        secondary: {
          node: 'node-1',
          namespace: 'shop',
          pod: 'web-0',
          timestamp: expect.stringMatching(/^2026-08-01 10:00:00\.\d+ \+0000 UTC$/),
        },
      },
    ])
    expect(block.affinity).toBe('host:node-1')
  })
  test('replayed, it answers the very same document', async () => {
    const world = await World.create()
    const first = await world.run({ ...add, conf: dual })
    const before = await world.picture()
    const second = await world.run({ ...add, conf: dual })
    expect(second.stdout).toBe(first.stdout)
    expect(unversioned(await world.picture())).toBe(unversioned(before))
  })
  test('different containers have different addresses', async () => {
    const world = await World.create()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => world.run({ ...add, id: `c${i}`, conf: dual })),
    )
    const ips = answers.flatMap((one) =>
      one.document.ips.map((ip: { address: string }) => ip.address),
    )
    expect(new Set(ips).size).toBe(40)
  })
  test('pools by name and by CIDR', async () => {
    const world = await World.create()
    await world.seed([poolWrite(pool('10.9.0.0/24')), poolWrite(pool('10.8.0.0/24'))])
    const named = await world.run({ ...add, conf: ipam({ ipv4_pools: ['pool-10-9-0-0-24'] }) })
    expect(named.document.ips[0].address).toMatch(/^10\.9\.0\./)
    const stated = await world.run({
      ...add,
      id: 'c2',
      conf: ipam({ ipv4_pools: ['10.8.0.0/24'] }),
    })
    expect(stated.document.ips[0].address).toMatch(/^10\.8\.0\./)
    const wished = await world.run({
      ...add,
      id: 'c3',
      conf: annotated({ ipv4pools: '["10.9.0.0/24"]' }),
    })
    expect(wished.document.ips[0].address).toMatch(/^10\.9\.0\./)
  })
  test('the lock file of the configuration, once', async () => {
    const world = await World.create()
    await world.run(add)
    await world.run({ ...add, id: 'c2', conf: { ipam_lock_file: '/run/other.lock' } })
    expect(world.lockFiles).toEqual(['/var/run/calico/ipam.lock', '/run/other.lock'])
  })
})

describe('a particular address', () => {
  const args = 'IP=10.244.7.7'
  test('is given as /32', async () => {
    const world = await World.create()
    const { document } = await world.run({ ...add, args })
    expect(document.ips).toEqual([{ address: '10.244.7.7/32' }])
  })
  test('is given again to a replayed ADD', async () => {
    const world = await World.create()
    const first = await world.run({ ...add, args })
    const before = await world.picture()
    expect((await world.run({ ...add, args })).stdout).toBe(first.stdout)
    expect(unversioned(await world.picture())).toBe(unversioned(before))
  })
  test('is refused to a second container, which then holds nothing', async () => {
    const world = await World.create()
    await world.run({ ...add, args })
    const before = await world.picture()
    const { code, document } = await world.run({ ...add, id: 'c2', args })
    expect({ code, error: document.code }).toEqual({ code: 1, error: 101 })
    expect(document.msg).toContain('10.244.7.7')
    expect(await world.picture()).toBe(before)
  })
})

describe('all or nothing', () => {
  test('no IPv6 pool: the IPv4 address goes back', async () => {
    const world = await World.create([poolWrite(pool('10.244.0.0/16')), nodeWrite('node-1')])
    const { document } = await world.run({ ...add, conf: dual })
    expect(document).toMatchObject({
      code: 101,
      msg: expect.stringContaining('cannot find a qualified ippool'),
    })
    expect(await world.held()).toEqual({})
    expect(await world.list('Handle')).toEqual([])
  })
  test('a full IPv6 pool: the IPv4 address goes back', async () => {
    const tiny = pool('fd80::/126', { blockSize: 126 })
    const world = await World.create([
      poolWrite(pool('10.244.0.0/16')),
      poolWrite(tiny),
      nodeWrite('node-1'),
    ])
    for (const id of ['c1', 'c2', 'c3', 'c4']) await world.run({ ...add, id, conf: dual })
    const { document } = await world.run({ ...add, id: 'c5', conf: dual })
    expect(document.code).toBe(101)
    expect(document.msg).toMatch(
      /^failed to request IPv6 addresses: Assigned 0 out of 1 requested IPv6 addresses; /,
    )
    expect(await world.held()).not.toHaveProperty('k8s-pod-network.c5')
    expect(await world.list('Handle')).toHaveLength(4)
  })
})

describe('under another main plugin', () => {
  test('ptp: a gateway in the block, kept from pods, and a default route', async () => {
    const world = await World.create()
    const { document } = await world.run({ ...add, conf: { ...dual, type: 'ptp' } })
    const [four, six] = document.ips
    expect(four.gateway).toMatch(/^10\.244\.\d+\.\d+$/)
    expect(Number(four.gateway.split('.')[3]) % 64).toBe(1)
    expect(six.gateway).toMatch(/1$/)
    expect(document.routes).toEqual([{ dst: '0.0.0.0/0' }, { dst: '::/0' }])
    expect(four.address.split('/')[0]).not.toBe(four.gateway)
  })
  test('bridge: nobody ever gets network, gateway or broadcast', async () => {
    const one = pool('10.7.0.0/28', { blockSize: 28 })
    const world = await World.create([poolWrite(one), nodeWrite('node-1')])
    const ips: string[] = []
    for (let i = 0; i < 16; i += 1) {
      const { code, document } = await world.run({ ...add, id: `c${i}`, conf: { type: 'bridge' } })
      if (code === 0) ips.push(document.ips[0].address)
    }
    expect(ips).toHaveLength(13)
    expect(ips).not.toContain('10.7.0.0/28')
    expect(ips).not.toContain('10.7.0.1/28')
    expect(ips).not.toContain('10.7.0.15/28')
  })
  test('bridge: routes of the configuration, no default of ours', async () => {
    const world = await World.create()
    const conf = { type: 'bridge', ...ipam({ routes: [{ dst: '10.99.0.0/16' }] }) }
    const { document } = await world.run({ ...add, conf })
    expect(document.routes).toEqual([{ dst: '10.99.0.0/16' }])
  })
})

describe('DEL', () => {
  test('gives back what ADD took, and nothing of anybody else', async () => {
    const world = await World.create()
    await world.run({ ...add, id: 'other', conf: dual })
    const before = await world.held()
    await world.run({ ...add, conf: dual })
    expect(await world.run(del)).toEqual({ code: 0, stdout: '', document: undefined })
    expect(await world.held()).toEqual(before)
    expect(await world.list('Handle')).toHaveLength(1)
  })
  test.each<[string, object]>([
    ['without a namespace', { ns: '' }],
    ['with a namespace that is gone', { ns: 'gone' }],
    ['with the result of ADD', { withResult: true }],
    ['with a result nobody can read', { conf: { prevResult: { ips: [{ address: 'x' }] } } }],
    [
      'with a result of another block',
      { conf: { prevResult: { routes: [{ dst: '10.1.2.0/26' }] } } },
    ],
  ])('%s', async (_, how) => {
    const world = await World.create()
    const added = await world.run(add)
    const { withResult, ...call } = how as { withResult?: boolean }
    const conf = withResult ? { conf: { prevResult: added.document } } : {}
    expect(await world.run({ ...del, ...conf, ...call })).toMatchObject({ code: 0 })
    expect(await world.held()).toEqual({})
  })
  test('for a container never added, and twice', async () => {
    const world = await World.create()
    const before = await world.picture()
    expect(await world.run(del)).toMatchObject({ code: 0 })
    expect(await world.picture()).toBe(before)
    await world.run(add)
    expect(await world.run(del)).toMatchObject({ code: 0 })
    expect(await world.run(del)).toMatchObject({ code: 0 })
  })
  test('also what old versions stored under the pod’s name', async () => {
    const world = await World.create()
    // Such handles were written by Calico 2; here a network called "shop" makes one of that form.
    await world.run({ ...add, id: 'web-0', conf: { name: 'shop' } })
    expect(await world.held()).toEqual({ 'shop.web-0': 1 })
    await world.run({ ...del, id: 'c9', args: world.pod('web-0', 'shop') })
    expect(await world.held()).toEqual({})
  })
})
