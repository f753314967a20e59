// Fixed pods and their record on a real Kubernetes API, with the blocks there or in etcd.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FixedLab, namespace } from '../lab/fixed-lab.ts'
import { firstVersion, ours } from './fixed-world.ts'

const handle = `hc-fixed.${namespace}.redis-0`

describe.each(['kubernetes', 'etcdv3'] as const)('blocks in %s', (type) => {
  let lab: FixedLab
  beforeAll(async () => {
    lab = await FixedLab.start(type)
  })
  afterAll(() => lab?.close())
  beforeEach(async () => {
    await lab.reset()
    await lab.addPod('redis-0')
  })

  const held = () => lab.withDatastore((_, ipam) => ipam.ipsByHandle(handle))
  const stop = (id: string) => lab.call({ command: 'DEL', id })

  test('the first start makes the record; a restart on another node writes nothing', async () => {
    const first = await lab.call({ id: 'c1' })
    expect(first.ips).toHaveLength(2)
    const made = await lab.record()
    expect(made.metadata).toMatchObject(ours)
    const [v4, v6] = first.ips
    expect(made.data).toEqual({ 'redis-0-ipv4': v4, 'redis-0-ipv6': v6 })
    await stop('c1')
    expect((await lab.call({ id: 'c2', node: 'node-2' })).ips).toEqual(first.ips)
    expect(await lab.record()).toEqual(made)
  })

  test('pods of a set that start together, on two nodes, all stand in it', async () => {
    const pods = Array.from({ length: 8 }, (_, n) => `redis-${n}`)
    for (const pod of pods.slice(1)) await lab.addPod(pod)
    const started = await Promise.all(
      pods.map((pod, n) => lab.call({ pod, id: `c${n}`, node: `node-${1 + (n % 2)}` })),
    )
    expect(started.map(({ code }) => code)).toEqual(pods.map(() => 0))
    const expected = pods.flatMap((pod, n) => {
      const [v4, v6] = started[n]?.ips ?? []
      return [
        [`${pod}-ipv4`, v4],
        [`${pod}-ipv6`, v6],
      ]
    })
    expect((await lab.record()).data).toEqual(Object.fromEntries(expected))
  })

  test.each([
    ['both families', { v4: true, v6: true }, ['10.71.0.99', 'fd71::99']],
    ['IPv4 alone', { v4: true, v6: false }, ['10.71.0.99']],
    ['IPv6 alone', { v4: false, v6: true }, ['fd71::99']],
  ])('what a person filled in before is taken: %s', async (_, families, expected) => {
    const data = { 'redis-0-ipv4': '10.71.0.99', 'redis-0-ipv6': 'fd71::99' }
    await lab.makeRecord(data)
    expect((await lab.call({ id: 'c1', families })).ips).toEqual(expected)
    expect((await lab.record()).data).toEqual(data)
  })

  test('a pin that somebody has: one sentence, nothing taken, and then it works', async () => {
    await lab.makeRecord({ 'redis-0-ipv4': '10.71.0.99' })
    await lab.withDatastore((_, ipam) =>
      ipam.assignIP({ ip: '10.71.0.99', handleID: 'somebody', host: 'node-1' }),
    )
    const refused = await lab.call({ id: 'c1' })
    expect(refused.code).toBe(101)
    expect(refused.message).toContain('asks for 10.71.0.99 for pod redis-0, but handle somebody')
    await expect(held()).rejects.toMatchObject({ tag: 'HandleMissing' })
    await lab.withDatastore((_, ipam) => ipam.releaseByHandle('somebody'))
    expect((await lab.call({ id: 'c2' })).ips[0]).toBe('10.71.0.99')
  })

  test('a record of the first version, with empty, stale and odd values', async () => {
    const data = { 'redis-0-ipv4': '192.168.7.7', 'redis-0-ipv6': '', 'redis-1-ipv4': 'none' }
    await lab.makeRecord(data, firstVersion)
    const { code, ips } = await lab.call({ id: 'c1' })
    expect(code).toBe(0)
    const [v4, v6] = ips
    const now = { 'redis-0-ipv4': v4, 'redis-0-ipv6': v6, 'redis-1-ipv4': 'none' }
    expect((await lab.record()).data).toEqual(now)
  })

  test('another address asked for: the next start has it, and the old one is free', async () => {
    const { ips } = await lab.call({ id: 'c1' })
    const [old = '', v6] = ips
    await stop('c1')
    await lab.editRecord({ 'redis-0-ipv4': '10.71.0.99' })
    expect((await lab.call({ id: 'c2', node: 'node-2' })).ips).toEqual(['10.71.0.99', v6])
    expect(await held()).toEqual(['10.71.0.99', v6])
    await lab.withDatastore((_, ipam) =>
      ipam.assignIP({ ip: old, handleID: 'somebody', host: 'node-1' }),
    )
    expect((await lab.record()).data['redis-0-ipv4']).toBe('10.71.0.99')
  })

  test('another address that nobody can have: the pod keeps its own, and the wish stands', async () => {
    const { ips } = await lab.call({ id: 'c1' })
    await stop('c1')
    await lab.editRecord({ 'redis-0-ipv4': '192.168.7.7' })
    expect((await lab.call({ id: 'c2' })).ips).toEqual(ips)
    expect((await lab.record()).data['redis-0-ipv4']).toBe('192.168.7.7')
  })

  test('killed between any two writes of an exchange, the next start ends it', async () => {
    for (let writes = 0; writes < 12; writes += 1) {
      await lab.reset()
      await lab.addPod('redis-0')
      const { ips } = await lab.call({ id: 'c1' })
      await stop('c1')
      await lab.editRecord({ 'redis-0-ipv4': '10.71.0.99' })
      const killed = await lab.call({ id: 'c2', writesMax: writes })
      const next = await lab.call({ id: 'c3', node: 'node-2' })
      expect(next.ips).toEqual(['10.71.0.99', ips[1]])
      expect(await held()).toEqual(['10.71.0.99', ips[1]])
      if (killed.code === 0) return
    }
    throw new Error('never done')
  })

  test('killed between any two writes of a first start, the next one has addresses and a record', async () => {
    for (let writes = 0; writes < 12; writes += 1) {
      await lab.reset()
      await lab.addPod('redis-0')
      const killed = await lab.call({ id: 'c1', writesMax: writes })
      const next = await lab.call({ id: 'c2', node: 'node-2' })
      expect(next.ips).toEqual(await held())
      expect(next.ips).toHaveLength(2)
      const [v4, v6] = next.ips
      expect((await lab.record()).data).toEqual({ 'redis-0-ipv4': v4, 'redis-0-ipv6': v6 })
      if (killed.code === 0) return
    }
    throw new Error('never done')
  })

  test('without the permission to write it, the pod starts all the same', async () => {
    const verbs = ['get', 'list', 'create', 'update', 'delete']
    const kubeconfig = await lab.userWith('reader', [
      { apiGroups: ['crd.projectcalico.org'], resources: ['*'], verbs },
      { apiGroups: [''], resources: ['pods', 'namespaces', 'nodes', 'configmaps'], verbs: ['get'] },
    ])
    expect((await lab.call({ id: 'c1', kubeconfig })).code).toBe(0)
    expect(await lab.record()).toBeUndefined()
    const { ips } = await lab.call({ id: 'c2' })
    expect((await lab.record()).data['redis-0-ipv4']).toBe(ips[0])
  })

  test('without the permission to read it, only a first start is refused', async () => {
    const verbs = ['get', 'list', 'create', 'update', 'delete']
    const kubeconfig = await lab.userWith('blind', [
      { apiGroups: ['crd.projectcalico.org'], resources: ['*'], verbs },
      { apiGroups: [''], resources: ['pods', 'namespaces', 'nodes'], verbs: ['get'] },
    ])
    const refused = await lab.call({ id: 'c1', kubeconfig })
    expect(refused.message).toContain('needs the permission to get ConfigMaps')
    const { ips } = await lab.call({ id: 'c2' })
    expect((await lab.call({ id: 'c3', kubeconfig })).ips).toEqual(ips)
  })
})
