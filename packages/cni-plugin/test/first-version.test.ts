/**
 * The bugs of the first HC-Calico, one by one: every test here fails on the bug that it names. The
 * numbers are those of the table in docs/fixed-ip.md.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { supportedVersions } from '../src/skel/spec-version.ts'
import {
  addPod,
  conf,
  firstVersion,
  fixedWorld,
  handleOf,
  record,
  recorded,
  recordPath,
  start,
  stop,
  v4Only,
} from './calico-ipam/fixed-world.ts'
import { pool, poolWrite, World } from './world.ts'

/** One pool of one block, as wide as a block is by default. */
const smallWorld = async (): Promise<World> => {
  const world = await fixedWorld()
  await world.remove('IPPool')
  await world.seed([poolWrite(pool('10.20.0.0/26'))])
  return world
}

const neighbour = async (world: World, n: number) => {
  addPod(world, `web-${n}`, {})
  return start(world, { pod: `web-${n}`, conf: v4Only })
}

describe('FixedIP', () => {
  test('1, 2, 3: the address of a pod that is stopped is given to nobody, and all others are', async () => {
    const world = await smallWorld()
    const fixed = await start(world, { conf: v4Only })
    await stop(world, fixed.id)
    const given = new Set<string>()
    for (let n = 0; n < 63; n += 1) given.add((await neighbour(world, n)).ips[0] as string)
    expect(given.size).toBe(63)
    expect(given).not.toContain(fixed.ips[0])
    // Nothing is left; it is said, and does not loop.
    expect((await neighbour(world, 63)).document.msg).toContain('Assigned 0 out of 1')
    expect((await start(world, { conf: v4Only })).ips).toEqual(fixed.ips)
  })

  test('4: a fixed pod with IPv4 alone keeps nobody from starting, itself least of all', async () => {
    const world = await fixedWorld()
    const first = await start(world, { conf: v4Only })
    expect(recorded(world).data['redis-0-ipv6']).toBe('')
    expect((await start(world, { pod: 'redis-1' })).code).toBe(0)
    expect((await neighbour(world, 0)).code).toBe(0)
    await stop(world, first.id)
    expect((await start(world, { conf: v4Only })).ips).toEqual(first.ips)
  })

  test('5: an ordinary pod asks for no ConfigMap, a fixed one for its own, and nobody lists', async () => {
    const world = await fixedWorld()
    await neighbour(world, 0)
    expect(world.kubernetesCalls.filter((path) => path.includes('configmaps'))).toEqual([])
    const { id } = await start(world)
    await stop(world, id)
    world.kubernetesCalls.length = 0
    await start(world)
    const asked = world.kubernetesCalls.filter((path) => path.includes('configmaps'))
    expect(asked).toEqual([recordPath])
    const file = join(import.meta.dirname, '..', 'manifests', 'rbac.yaml')
    const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS())
    const { rules } = documents.find(({ kind }) => kind === 'ClusterRole')
    const ofRecords = rules.filter((rule: { resources: ReadonlyArray<string> }) =>
      rule.resources.includes('configmaps'),
    )
    expect(ofRecords.map((rule: { verbs: ReadonlyArray<string> }) => rule.verbs)).toEqual([
      ['get', 'create', 'patch'],
    ])
  })

  test('6: pods that start together all make the record, and all start', async () => {
    const world = await fixedWorld()
    const pods = ['redis-0', 'redis-1', 'redis-2']
    const started = await Promise.all(pods.map((pod) => start(world, { pod })))
    expect(started.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(Object.keys(recorded(world).data)).toHaveLength(6)
  })

  test('7: the record disappears between two requests', async () => {
    const world = await fixedWorld(record({}, firstVersion))
    world.failKubernetes = (method) => {
      if (method === 'PATCH') world.kubernetes.delete(recordPath)
      return undefined
    }
    const { code, ips } = await start(world)
    expect(code).toBe(0)
    expect(recorded(world).data['redis-0-ipv4']).toBe(ips[0])
  })

  test('8: the address is still held by a container that was never deleted', async () => {
    const world = await fixedWorld()
    const { ips } = await start(world)
    const elsewhere = { ...conf, nodename: 'node-2' }
    expect((await start(world, { conf: elsewhere })).ips).toEqual(ips)
    // Held in the way of the first version: by the container itself.
    addPod(world, 'redis-1', {})
    const lost = await start(world, { pod: 'redis-1' })
    addPod(world, 'redis-1')
    world.kubernetes.set(recordPath, record({ 'redis-1-ipv4': lost.ips[0] }, firstVersion))
    expect((await start(world, { pod: 'redis-1', conf: elsewhere })).ips).toEqual(lost.ips)
  })

  test('9: without Kubernetes, with a name and without', async () => {
    const world = await World.create()
    const add = { command: 'ADD', plugin: 'ipam' } as const
    expect((await world.run(add)).code).toBe(0)
    const annotations = { 'fixed.ipam.harmonycloud.cn': 'true' }
    const runtimeConfig = { 'io.kubernetes.cri.pod-annotations': annotations }
    const fixed = { ...add, args: world.pod('redis-0', 'shop'), conf: { runtimeConfig } }
    const first = await world.run({ ...fixed, id: 'f1' })
    expect((await world.run({ ...fixed, id: 'f2' })).document.ips).toEqual(first.document.ips)
    expect(world.kubernetesCalls).toEqual([])
  })

  test('10: killed between the address and the record', async () => {
    const world = await fixedWorld()
    world.failKubernetes = (method) => (method === 'GET' ? undefined : 500)
    const { ips } = await start(world)
    expect(recorded(world)).toBeUndefined()
    world.failKubernetes = () => undefined
    expect((await start(world)).ips).toEqual(ips)
    expect(recorded(world).data['redis-0-ipv4']).toBe(ips[0])
  })
})

const servicePath = (namespace: string): string =>
  `/apis/harmonycloud.cn/v1alpha1/namespaces/${namespace}/serviceippools/svc1`

/** A pod of a service, whose pools are never chosen but by name. */
const serviceWorld = async (spec: object, namespace = 'shop'): Promise<World> => {
  const world = await fixedWorld()
  await world.seed([
    poolWrite(pool('10.30.0.0/30', { blockSize: 30 })),
    poolWrite(pool('10.31.0.0/30', { blockSize: 30 })),
    poolWrite(pool('10.32.0.0/30', { blockSize: 30, nodeSelector: 'rack == "elsewhere"' })),
    poolWrite(pool('fd30::/120', { blockSize: 124 })),
  ])
  world.kubernetes.set(servicePath(namespace), {
    apiVersion: 'harmonycloud.cn/v1alpha1',
    kind: 'ServiceIPPool',
    metadata: { name: 'svc1', namespace },
    spec,
  })
  addPod(world, 'redis-0', { annotations: { serviceIPPoolcrd: 'svc1' } })
  return world
}

const [first, second, elsewhere] = ['pool-10-30-0-0-30', 'pool-10-31-0-0-30', 'pool-10-32-0-0-30']

describe('ServiceIPPool', () => {
  test('11: a pod of any namespace finds one in the central namespace', async () => {
    const world = await serviceWorld({ ipv4poolList: [first] }, 'kube-system')
    expect((await start(world)).ips[0]).toMatch(/^10\.30\./)
  })

  test('12: a member that is unknown is passed over', async () => {
    const world = await serviceWorld({ ipv4poolList: ['gone', first] })
    expect((await start(world)).ips[0]).toMatch(/^10\.30\./)
  })

  test('13: a member whose selector does not match the node is passed over', async () => {
    const world = await serviceWorld({ ipv4poolList: [elsewhere, second] })
    expect((await start(world)).ips[0]).toMatch(/^10\.31\./)
  })

  test('14: the list for IPv6 counts', async () => {
    const world = await serviceWorld({ ipv4poolList: [first], ipv6poolList: ['pool-fd30-120'] })
    expect((await start(world)).ips).toEqual([
      expect.stringMatching(/^10\.30\./),
      expect.stringMatching(/^fd30:/),
    ])
  })

  test('15: a disabled member gives nothing, also where it is listed as enabled', async () => {
    const spec = { ipv4poolList: [first, second], disabledIPv4PoolList: [first] }
    expect((await start(await serviceWorld(spec))).ips[0]).toMatch(/^10\.31\./)
  })
})

describe('elsewhere', () => {
  test('16: CNI 0.4.0 and later, with CHECK', async () => {
    expect(supportedVersions).toEqual(expect.arrayContaining(['0.4.0', '1.0.0', '1.1.0']))
    const world = await fixedWorld()
    const { id, document } = await start(world)
    const check = { command: 'CHECK', plugin: 'ipam', args: world.pod('redis-0', 'shop') } as const
    expect((await world.run({ ...check, id, conf: { ...conf, prevResult: document } })).code).toBe(
      0,
    )
  })

  test('17: DEL keeps a fixed address, and the next start has that very one', async () => {
    const world = await fixedWorld()
    const { id, ips } = await start(world)
    await stop(world, id)
    expect(await world.held()).toEqual({ [handleOf('redis-0')]: 2 })
    expect((await start(world)).ips).toEqual(ips)
  })
})
