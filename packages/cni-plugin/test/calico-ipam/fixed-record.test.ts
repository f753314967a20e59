// The record of fixed addresses around ADD: what is asked, what is written, what it pins.
import { describe, expect, test } from 'vitest'
import { World } from '../world.ts'
import {
  addPod,
  conf,
  firstVersion,
  fixedWorld,
  handleOf,
  heldBy,
  ours,
  podPath,
  record,
  recorded,
  recordPath,
  start,
  stop,
  v4Only,
  v6Only,
} from './fixed-world.ts'

const namespacePath = '/api/v1/namespaces/shop'
const collection = '/api/v1/namespaces/shop/configmaps'

describe('what it costs', () => {
  test('an ordinary pod: nothing', async () => {
    const world = await fixedWorld()
    addPod(world, 'redis-0', {})
    expect((await start(world)).code).toBe(0)
    expect(world.kubernetesCalls.toSorted()).toEqual([namespacePath, podPath('redis-0')])
  })

  test('a restart of a fixed pod: one read more, no list, no write', async () => {
    const world = await fixedWorld()
    const first = await start(world)
    await stop(world, first.id)
    world.kubernetesCalls.length = 0
    world.waits.length = 0
    expect((await start(world)).ips).toEqual(first.ips)
    const asked = [namespacePath, recordPath, podPath('redis-0')]
    expect(world.kubernetesCalls.toSorted()).toEqual(asked)
    expect(world.waits).toEqual([
      'read Handle',
      'read Block, Block',
      'commit update Block, update Block',
    ])
  })

  test('the first start: one read and one write more', async () => {
    const world = await fixedWorld()
    await start(world)
    const asked = [namespacePath, recordPath, podPath('redis-0'), `POST ${collection}`]
    expect(world.kubernetesCalls.toSorted()).toEqual(asked.toSorted())
    world.kubernetesCalls.length = 0
    await start(world, { pod: 'redis-1' })
    expect(world.kubernetesCalls.at(-1)).toBe(`PATCH ${recordPath}`)
    expect(world.waits.filter((wait) => /list (Block|Handle)(,|$)/.test(wait))).toEqual([])
  })

  test('without a Kubernetes API there is no record', async () => {
    const world = await World.create()
    const answer = await start(world, { conf: {} })
    expect(answer.code).toBe(0)
    expect(world.kubernetesCalls).toEqual([])
  })
})

describe('written', () => {
  test.each([
    ['both families', conf, (ips: ReadonlyArray<string>) => ips],
    ['IPv4 alone', v4Only, ([v4]: ReadonlyArray<string>) => [v4, '']],
    ['IPv6 alone', v6Only, ([v6]: ReadonlyArray<string>) => ['', v6]],
  ])('%s, with the names of the first version', async (_, used, expected) => {
    const world = await fixedWorld()
    const { ips } = await start(world, { conf: used })
    const [v4, v6] = expected(ips)
    expect(recorded(world)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'redis-fixed-ip-conf', namespace: 'shop', ...ours },
      data: { 'redis-0-ipv4': v4, 'redis-0-ipv6': v6 },
    })
  })

  test('pods that start together all stand in it', async () => {
    const world = await fixedWorld()
    const pods = ['redis-0', 'redis-1', 'redis-2']
    const answers = await Promise.all(pods.map((pod) => start(world, { pod })))
    const expected = pods.flatMap((pod, i) => [
      [`${pod}-ipv4`, answers[i]?.ips[0]],
      [`${pod}-ipv6`, answers[i]?.ips[1]],
    ])
    expect(recorded(world).data).toEqual(Object.fromEntries(expected))
  })

  test.each<[string, (method: string) => boolean, number]>([
    ['no permission', (method) => method !== 'GET', 403],
    ['a server in trouble', (method) => method !== 'GET', 500],
    ['made and deleted all the time', (method) => method === 'PATCH', 404],
  ])('that it cannot be is no failure of ADD: %s', async (_, isHit, status) => {
    const world = await fixedWorld(record({ other: 'kept' }, ours))
    world.failKubernetes = (method) => (isHit(method) ? status : undefined)
    const { code, id, ips } = await start(world)
    expect(code).toBe(0)
    expect(recorded(world).data).toEqual({ other: 'kept' })
    // The next start puts it right.
    world.failKubernetes = () => undefined
    await stop(world, id)
    expect((await start(world)).ips).toEqual(ips)
    expect(recorded(world).data['redis-0-ipv4']).toBe(ips[0])
  })

  test('deleted between look and write, it is made anew', async () => {
    const world = await fixedWorld(record({}, ours))
    world.failKubernetes = (method) => {
      if (method === 'PATCH') world.kubernetes.delete(recordPath)
      return undefined
    }
    const { ips } = await start(world)
    expect(recorded(world).data).toEqual({ 'redis-0-ipv4': ips[0], 'redis-0-ipv6': ips[1] })
  })

  test('a record that a person made gets the labels that lists go by', async () => {
    const world = await fixedWorld(record({ 'redis-1-ipv4': '10.244.3.3' }))
    await start(world)
    expect(recorded(world).metadata).toMatchObject(ours)
    expect(recorded(world).data['redis-1-ipv4']).toBe('10.244.3.3')
  })
})

describe('pinned', () => {
  const [v4, v6] = ['10.244.7.7', 'fd80:24e2::77']
  const both = { 'redis-0-ipv4': v4, 'redis-0-ipv6': v6 }

  test.each<[string, object, object, ReadonlyArray<string | RegExp>]>([
    ['both families', conf, both, [v4, v6]],
    ['IPv4, the other is taken as ever', conf, { 'redis-0-ipv4': v4 }, [v4, /^fd80:24e2:/]],
    ['IPv6, the other is taken as ever', conf, { 'redis-0-ipv6': v6 }, [/^10\.244\./, v6]],
    ['IPv4 alone', v4Only, both, [v4]],
    ['IPv6 alone', v6Only, both, [v6]],
    ['as a host route', v4Only, { 'redis-0-ipv4': `${v4}/32` }, [v4]],
    [
      'outside of what the node would choose from',
      v4Only,
      { 'redis-0-ipv4': '10.9.0.9' },
      ['10.9.0.9'],
    ],
  ])('%s', async (_, used, data, expected) => {
    for (const metadata of [{}, ours, firstVersion]) {
      const world = await fixedWorld(record(data, metadata))
      const { ips } = await start(world, { conf: used })
      expect(ips).toEqual(
        expected.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))),
      )
      const held = [...(await heldBy(world, handleOf('redis-0'))).values()]
      expect(held.map((state) => state?.identity)).toEqual(
        ips.map(() => 'shop/StatefulSet/redis/redis-0'),
      )
      expect(recorded(world).data).toMatchObject(data)
    }
  })

  test('it is taken once: replayed, and after DEL', async () => {
    const world = await fixedWorld(record(both))
    const first = await start(world, { id: 'c' })
    expect((await start(world, { id: 'c' })).stdout).toBe(first.stdout)
    await stop(world, 'c')
    expect((await start(world)).ips).toEqual([v4, v6])
  })

  test('an address that an older container of the pod still has is taken over', async () => {
    const world = await fixedWorld()
    addPod(world, 'redis-0', {})
    const older = await start(world)
    addPod(world, 'redis-0')
    const [old4 = '', old6 = ''] = older.ips
    world.kubernetes.set(recordPath, record({ 'redis-0-ipv4': old4 }, firstVersion))
    // Its node lost power: no DEL has come.
    const { ips } = await start(world)
    expect(ips).toEqual([old4, old6])
    // What comes late changes nothing.
    await stop(world, older.id)
    const states = [...(await heldBy(world, handleOf('redis-0'))).values()]
    expect(states.map((state) => state?.holder?.node)).toEqual(['node-1', 'node-1'])
    expect(await world.held()).toEqual({ [handleOf('redis-0')]: 2 })
  })
})

describe('a pin that cannot be given', () => {
  const taken = async (world: World, ip: string) => {
    addPod(world, 'redis-1', {})
    world.kubernetes.set(podPath('redis-1'), {
      kind: 'Pod',
      metadata: {
        name: 'redis-1',
        namespace: 'shop',
        annotations: { 'cni.projectcalico.org/ipAddrs': `["${ip}"]` },
      },
    })
    expect((await start(world, { pod: 'redis-1', conf: v4Only })).code).toBe(0)
  }
  const cases: ReadonlyArray<[string, string, string]> = [
    ['another pod has it', '10.244.7.7', 'pod shop/redis-1 has it'],
    ['it is in no pool', '192.168.1.1', 'it is in no enabled IP pool'],
    ['its pool is disabled', '10.8.0.8', 'it is in no enabled IP pool'],
    ['it is no address', 'ten', 'redis-0-ipv4: "ten" is not an IPv4 address'],
    ['it is of the other family', 'fd80::1', 'redis-0-ipv4: "fd80::1" is not an IPv4 address'],
  ]

  test.each(cases)('a person’s: %s: one sentence, and nothing is taken', async (_, pin, reason) => {
    for (const metadata of [{}, ours]) {
      const world = await fixedWorld(record({ 'redis-0-ipv4': pin }, metadata))
      await taken(world, '10.244.7.7')
      const before = await world.held()
      const { document } = await start(world)
      expect(document.code).toBe(101)
      expect(document.msg).toContain('StatefulSet shop/redis')
      expect(document.msg).toContain(reason)
      expect(document.msg).toContain('correct or remove the key "redis-0-ipv4"')
      expect(await world.held()).toEqual(before)
      expect(recorded(world).data).toEqual({ 'redis-0-ipv4': pin })
    }
  })

  test.each(cases)('a leftover of the first version: %s: the pod starts', async (_, stale) => {
    const data = { 'redis-0-ipv4': stale, 'redis-0-ipv6': '', 'redis-9-ipv4': '10.0.0.1' }
    const world = await fixedWorld(record(data, firstVersion))
    await taken(world, '10.244.7.7')
    const { code, ips } = await start(world)
    expect(code).toBe(0)
    // It is not left in the record, where it would move the pod one day.
    expect(recorded(world).data).toEqual({
      'redis-0-ipv4': ips[0],
      'redis-0-ipv6': ips[1],
      'redis-9-ipv4': '10.0.0.1',
    })
  })

  test('of one family: what was taken of the other goes back', async () => {
    const data = { 'redis-0-ipv4': '10.244.7.7', 'redis-0-ipv6': 'fd00::1' }
    const world = await fixedWorld(record(data))
    expect((await start(world)).document.code).toBe(101)
    expect(await world.held()).toEqual({})
    expect(await world.list('Handle')).toEqual([])
  })
})

describe('a record that cannot be read', () => {
  test.each([
    [403, 'the role of the plugin needs the permission to get ConfigMaps'],
    [500, 'HTTP status 500'],
  ])('%s: a first start waits, for it might be pinned', async (status, reason) => {
    const world = await fixedWorld(status)
    const { document } = await start(world)
    expect(document.code).toBe(11)
    expect(document.msg).toContain('failed to get ConfigMap shop/redis-fixed-ip-conf')
    expect(document.msg).toContain(reason)
    expect(await world.held()).toEqual({})
  })

  test.each([403, 500])('%s: a pod that has its addresses starts', async (status) => {
    const world = await fixedWorld()
    const first = await start(world)
    await stop(world, first.id)
    world.kubernetes.set(recordPath, status)
    const again = await start(world)
    expect([again.code, again.ips]).toEqual([0, first.ips])
  })
})

test.each<[string, object | null | undefined, object]>([
  ['no data', undefined, firstVersion],
  ['null data', null, firstVersion],
  ['null labels', {}, { labels: null, annotations: null }],
  ['empty values', { 'redis-0-ipv4': '', 'redis-0-ipv6': '' }, firstVersion],
  ['entries of others only, odd ones too', { 'redis-1-ipv4': 'what', x: '' }, firstVersion],
  ['values that are no texts', { 'redis-0-ipv4': 7 }, {}],
])('a record with %s keeps nobody from starting', async (_, data, metadata) => {
  const world = await fixedWorld(record(data, metadata))
  const { code, ips } = await start(world)
  expect(code).toBe(0)
  expect(recorded(world).data).toMatchObject({ 'redis-0-ipv4': ips[0], 'redis-0-ipv6': ips[1] })
})
