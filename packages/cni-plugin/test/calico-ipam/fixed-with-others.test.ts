// What a fixed address has to do with pools, service pools, other nodes' blocks, and long names.

import { fixedIPRecordName } from '@hc-calico/crd-types/harmonycloud'
import { createIPAM } from '@hc-calico/ipam-core'
import { describe, expect, test } from 'vitest'
import { pool, poolWrite, type World } from '../world.ts'
import {
  addPod,
  conf,
  fixedWorld,
  handleOf,
  isFixed,
  podPath,
  record,
  recordPath,
  start,
  stop,
  v4Only,
} from './fixed-world.ts'

const elsewhere = { ...v4Only, nodename: 'node-2' }

const disableEverything = async (world: World): Promise<void> => {
  const [pools] = await world.read([{ list: 'IPPool' }])
  for (const { key, value, revision } of pools) {
    await world.seed([{ op: 'update', key, value: { ...value, disabled: true }, revision }])
  }
}

describe('an address that the pod has', () => {
  test('stays when its pool is disabled', async () => {
    const world = await fixedWorld()
    const { id, ips } = await start(world)
    await stop(world, id)
    await disableEverything(world)
    expect((await start(world)).ips).toEqual(ips)
  })

  test('stays when its service moves to other pools', async () => {
    const world = await fixedWorld()
    const { id, ips } = await start(world, { conf: v4Only })
    await stop(world, id)
    const annotations = { ...isFixed.annotations, serviceIPPoolcrd: 'svc1' }
    addPod(world, 'redis-0', { annotations })
    // The service has no pools that could serve; nobody asks it.
    world.kubernetes.set('/apis/harmonycloud.cn/v1alpha1/namespaces/shop/serviceippools/svc1', {
      apiVersion: 'harmonycloud.cn/v1alpha1',
      kind: 'ServiceIPPool',
      metadata: { name: 'svc1', namespace: 'shop' },
      spec: { ipv4poolList: ['gone'] },
    })
    expect((await start(world, { conf: v4Only })).ips).toEqual(ips)
    expect(world.kubernetesCalls.filter((path) => path.includes('serviceippools'))).toEqual([])
  })

  test('moves to another node with strict affinity on', async () => {
    const world = await fixedWorld()
    const { ips } = await start(world, { conf: v4Only })
    const ipam = createIPAM({ datastore: world.datastore })
    const config = await ipam.getIPAMConfig()
    await world.seed([
      { op: 'create', key: { kind: 'IPAMConfig' }, value: { ...config, strictAffinity: true } },
    ])
    expect((await start(world, { conf: elsewhere })).ips).toEqual(ips)
  })
})

describe('a pin', () => {
  test('counts more than a service', async () => {
    const world = await fixedWorld(record({ 'redis-0-ipv4': '10.244.7.7' }))
    const annotations = { ...isFixed.annotations, serviceIPPoolcrd: 'no-such' }
    addPod(world, 'redis-0', { annotations })
    expect((await start(world, { conf: v4Only })).ips).toEqual(['10.244.7.7'])
  })

  test('counts less than an address that the pod asks for itself', async () => {
    const world = await fixedWorld(record({ 'redis-0-ipv4': '10.244.7.7' }))
    const asked = { 'cni.projectcalico.org/ipAddrs': '["10.244.8.8"]' }
    addPod(world, 'redis-0', { annotations: { ...isFixed.annotations, ...asked } })
    expect((await start(world, { conf: v4Only })).ips).toEqual(['10.244.8.8'])
    expect(world.kubernetesCalls).not.toContain(recordPath)
  })

  test('in another node’s block, with strict affinity on: one sentence', async () => {
    const world = await fixedWorld()
    addPod(world, 'redis-1', {})
    const { ips } = await start(world, { pod: 'redis-1', conf: elsewhere })
    const next = ips[0]?.replace(/\d+$/, (last) => String(Number(last) ^ 1))
    world.kubernetes.set(recordPath, record({ 'redis-0-ipv4': next }))
    const ipam = createIPAM({ datastore: world.datastore })
    const config = await ipam.getIPAMConfig()
    await world.seed([
      { op: 'create', key: { kind: 'IPAMConfig' }, value: { ...config, strictAffinity: true } },
    ])
    const { document } = await start(world, { conf: v4Only })
    expect(document.code).toBe(101)
    expect(document.msg).toContain(
      `asks for ${next} for pod redis-0, but its block is not of node node-1, and strict affinity is on`,
    )
  })

  test('in a pool that nothing else is taken from', async () => {
    const world = await fixedWorld(record({ 'redis-0-ipv4': '10.7.0.7' }))
    await world.seed([poolWrite(pool('10.7.0.0/24', { assignmentMode: 'Manual' }))])
    expect((await start(world, { conf: v4Only })).ips).toEqual(['10.7.0.7'])
  })
})

test('names as long as they may be', async () => {
  const world = await fixedWorld()
  const set = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(57)}`
  const pod = `${set}-0`
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: set, uid: 'u-1' }]
  addPod(world, pod, { ...isFixed, ownerReferences })
  const first = await start(world, { pod })
  expect(first.code).toBe(0)
  await stop(world, first.id, pod)
  expect((await start(world, { pod })).ips).toEqual(first.ips)
  const name = fixedIPRecordName(set)
  expect(name).toHaveLength(253)
  const stored = world.kubernetes.get(`/api/v1/namespaces/shop/configmaps/${name}`)
  expect(stored).toMatchObject({ data: { [`${pod}-ipv4`]: first.ips[0] } })
})

test('a set of another group counts too, and one without the annotation does not', async () => {
  const world = await fixedWorld()
  const kruise = {
    apiVersion: 'apps.kruise.io/v1beta1',
    kind: 'StatefulSet',
    name: 'redis',
    uid: 'k',
  }
  addPod(world, 'redis-0', { ...isFixed, ownerReferences: [kruise] })
  await start(world)
  expect(await world.held()).toEqual({ [handleOf('redis-0')]: 2 })
  addPod(world, 'redis-1', { annotations: { 'fixed.ipam.harmonycloud.cn': 'True' } })
  const { id } = await start(world, { pod: 'redis-1', conf })
  expect(await world.held()).toMatchObject({ [`k8s-pod-network.${id}`]: 2 })
  expect(world.kubernetesCalls.filter((path) => path === podPath('redis-1'))).toHaveLength(1)
})

describe('a first start that gets only one of two families leaves nothing', () => {
  test.each([
    ['there is no pool of the other', []],
    ['the pool of the other is full', ['fd06::', 'fd06::1']],
  ])('%s', async (_, taken) => {
    const world = await fixedWorld()
    await world.remove('IPPool')
    await world.seed([poolWrite(pool('10.6.0.0/24'))])
    const ipam = createIPAM({ datastore: world.datastore })
    if (taken.length > 0) await world.seed([poolWrite(pool('fd06::/127', { blockSize: 127 }))])
    for (const ip of taken) await ipam.assignIP({ ip, handleID: ip, host: 'node-1' })
    const { code } = await start(world)
    expect(code).not.toBe(0)
    expect(Object.keys(await world.held()).filter((handle) => handle.startsWith('hc-'))).toEqual([])
    const handles: ReadonlyArray<{ id: string }> = await world.list('Handle')
    expect(handles.filter(({ id }) => id.startsWith('hc-'))).toEqual([])
    expect(world.kubernetes.has(recordPath)).toBe(false)
  })
})
