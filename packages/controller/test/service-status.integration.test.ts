/**
 * The status of ServiceIPPools on a real API server, with blocks on either datastore: what is
 * allocated, edited, drained shows, and nothing is written that says nothing new.
 */
import type { ServiceIPPoolStatus } from '@hc-calico/crd-types/harmonycloud'
import { createIPAM, fixedAttrs, type IPAM } from '@hc-calico/ipam-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ControllerLab,
  datastoreTypes,
  poolNamed,
  startControllerLab,
} from './lab/controller-lab.ts'

const patience = { timeout: 30_000, interval: 50 }
const services = '/apis/harmonycloud.cn/v1alpha1/namespaces'
const stateIn = (status: ServiceIPPoolStatus | undefined) =>
  Object.fromEntries(
    (status?.members ?? []).map(({ name, state, total, used, free, held }) => [
      name,
      [state, total, used, free, held],
    ]),
  )
const conditionIn = (status: ServiceIPPoolStatus | undefined, type: string) => {
  const found = status?.conditions?.find((one) => one.type === type)
  return [found?.status, found?.reason, found?.message]
}

describe.each(datastoreTypes)('on %s', (type) => {
  let lab: ControllerLab
  let ipam: IPAM
  beforeAll(async () => {
    lab = await startControllerLab(type)
    ipam = createIPAM({ datastore: lab.datastore })
    for (const name of ['n1', 'n2']) {
      await lab.api('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } })
      if (type === 'kubernetes') continue
      await lab.write({ op: 'create', key: { kind: 'Node', name }, value: { name, labels: {} } })
    }
    await lab.write(
      poolNamed('ippool1', '10.80.0.0/30'),
      poolNamed('ippool2', '10.80.1.0/29'),
      poolNamed('ippool3', '10.80.2.0/29'),
      poolNamed('ippool5', 'fd00:80::/124'),
      poolNamed('resting', '10.80.3.0/29', { disabled: true }),
    )
    await lab.controller()
  })
  afterAll(() => lab?.stop())

  const service = async (namespace: string, name: string, spec: object): Promise<void> => {
    await lab.api('POST', `${services}/${namespace}/serviceippools`, {
      ...{ apiVersion: 'harmonycloud.cn/v1alpha1', kind: 'ServiceIPPool' },
      ...{ metadata: { name, namespace }, spec },
    })
  }
  const edit = (namespace: string, name: string, spec: object) =>
    lab.api('PATCH', `${services}/${namespace}/serviceippools/${name}`, { spec })
  const read = async (namespace: string, name: string) =>
    (await lab.api('GET', `${services}/${namespace}/serviceippools/${name}`)) as {
      readonly metadata: { readonly resourceVersion: string; readonly generation: number }
      readonly status?: ServiceIPPoolStatus
    }
  const status = async (namespace: string, name: string) => (await read(namespace, name)).status

  const pod = (name: string, annotations: Readonly<Record<string, string>>, node = 'n1') =>
    lab.api('POST', '/api/v1/namespaces/default/pods', {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations } },
      spec: {
        nodeName: node,
        automountServiceAccountToken: false,
        containers: [{ name: 'c', image: 'none' }],
      },
    })
  const give = (ip: string, name: string, node = 'n1') =>
    ipam.assignIP({
      ...{ ip, handleID: `net.${name}-${ip.replaceAll(':', '-')}`, host: node },
      attrs: { namespace: 'default', pod: name, node },
    })

  test('a service of the central namespace: totals, members, who holds what', async () => {
    await service('kube-system', 'svc1', {
      ipv4poolList: ['ippool1', 'ippool2', 'nowhere', 'resting'],
      disabledIPv4PoolList: ['ippool3'],
      ipv6poolList: ['ippool5'],
    })
    await pod('a', { serviceIPPoolcrd: 'svc1' })
    await pod('other', {})
    await give('10.80.0.1', 'a')
    await give('fd00:80::1', 'a')
    await give('10.80.2.1', 'a')
    await give('10.80.0.2', 'other')
    await expect
      .poll(async () => stateIn(await status('kube-system', 'svc1')), patience)
      .toEqual({
        ippool1: ['Serving', 4, 2, 2, 1],
        ippool2: ['Serving', 8, 0, 8, 0],
        nowhere: ['Unknown', undefined, undefined, undefined, 0],
        resting: ['Disabled', 8, 0, 8, 0],
        ippool3: ['Draining', 8, 1, 7, 1],
        ippool5: ['Serving', 16, 1, 15, 1],
      })
    const now = await status('kube-system', 'svc1')
    expect(now).toMatchObject({ total: 28, used: 3, free: 25, observedGeneration: 1 })
    expect(conditionIn(now, 'Serving')).toEqual([
      ...['True', 'RoomLeft', 'addresses are left in ippool1, ippool2, ippool5'],
    ])
    expect(conditionIn(now, 'Draining')).toEqual([
      ...['True', 'AddressesHeld', 'still held: 1 address in ippool3'],
    ])
    expect(conditionIn(now, 'Degraded')).toEqual([
      'True',
      'MemberUnfit',
      'nowhere: there is no pool of this name; resting: it is disabled',
    ])
  })

  test('kubectl shows it', async () => {
    const columns = ['get', 'svcpool', '-n', 'kube-system', 'svc1', '--no-headers']
    const shown = await lab.kubernetes.kubectl(columns)
    expect(shown.split(/\s+/).slice(0, 5)).toEqual(['svc1', '28', '3', '25', 'True'])
    const wide = await lab.kubernetes.kubectl([...columns, '-o', 'wide'])
    expect(wide).toContain('still held: 1 address in ippool3')
  })

  test('a pool that fills up is Full, and says so once it has room again', async () => {
    await give('10.80.0.0', 'a')
    await give('10.80.0.3', 'a')
    const state = async () => stateIn(await status('kube-system', 'svc1')).ippool1
    await expect.poll(state, patience).toEqual(['Full', 4, 4, 0, 3])
    await ipam.releaseByHandle('net.a-10.80.0.3')
    await expect.poll(state, patience).toEqual(['Serving', 4, 3, 1, 2])
    const events = await lab.kubernetes.kubectl([
      'get',
      'events',
      '-n',
      'kube-system',
      '-o',
      'json',
    ])
    const told = JSON.parse(events).items.filter(
      (one: { readonly reason: string }) => one.reason === 'MemberFull',
    )
    expect(told).toMatchObject([{ message: 'ippool1 is full', type: 'Warning' }])
  })

  test('a pool that drains is Drained when the last pod has left it', async () => {
    await ipam.releaseByHandle('net.a-10.80.2.1')
    await expect
      .poll(async () => stateIn(await status('kube-system', 'svc1')).ippool3, patience)
      .toEqual(['Drained', 8, 0, 8, 0])
    expect(conditionIn(await status('kube-system', 'svc1'), 'Draining')).toEqual([
      ...['False', 'Drained', 'no pod has an address of ippool3 any more'],
    ])
  })

  test('an edit of the lists shows, with its generation', async () => {
    await edit('kube-system', 'svc1', {
      ipv4poolList: ['ippool2', 'ippool1'],
      disabledIPv4PoolList: ['ippool1'],
      ipv6poolList: null,
    })
    await expect
      .poll(async () => (await status('kube-system', 'svc1'))?.observedGeneration, patience)
      .toBe(2)
    // The addresses themselves may have been counted a moment before the edit was seen.
    await expect
      .poll(
        async () => conditionIn(await status('kube-system', 'svc1'), 'HeldOutsidePools')[0],
        patience,
      )
      .toBe('True')
    const now = await status('kube-system', 'svc1')
    expect(now?.members?.map(({ name, state }) => `${name} ${state}`)).toEqual([
      ...['ippool2 Serving', 'ippool1 Draining'],
    ])
    expect(conditionIn(now, 'HeldOutsidePools')).toEqual([
      ...[
        'True',
        'HeldOutside',
        'addresses of running pods outside the serving pools: 1 in ippool5',
      ],
    ])
  })

  test('the object in the pod’s own namespace counts more than the central one', async () => {
    await service('default', 'svc1', { ipv4poolList: ['ippool2'] })
    await give('10.80.1.5', 'a')
    await expect
      .poll(async () => stateIn(await status('default', 'svc1')).ippool2, patience)
      .toEqual(['Serving', 8, 1, 7, 1])
    await expect
      .poll(async () => stateIn(await status('kube-system', 'svc1')).ippool2, patience)
      .toEqual(['Serving', 8, 1, 7, 0])
    await lab.api('DELETE', `${services}/default/serviceippools/svc1`)
    await expect
      .poll(async () => stateIn(await status('kube-system', 'svc1')).ippool2, patience)
      .toEqual(['Serving', 8, 1, 7, 1])
  })

  test('a parked fixed address belongs to the service of its set', async () => {
    await lab.api('POST', '/apis/apps/v1/namespaces/default/statefulsets', {
      ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'redis' } },
      spec: {
        ...{ serviceName: 'redis', replicas: 1, selector: { matchLabels: { app: 'redis' } } },
        template: {
          metadata: { labels: { app: 'redis' }, annotations: { serviceIPPoolcrd: 'fixed' } },
          spec: { containers: [{ name: 'c', image: 'none' }] },
        },
      },
    })
    await service('default', 'fixed', { ipv4poolList: ['ippool2'] })
    const attrs = fixedAttrs({ identity: 'default/StatefulSet/redis/redis-0', epoch: 2 })
    const handleID = 'hc-fixed.default.redis-0'
    await ipam.assignIP({ ip: '10.80.1.7', handleID, attrs, host: 'n1' })
    await ipam.assignIP({ ip: '10.80.2.7', handleID, attrs, host: 'n2' })
    await expect
      .poll(async () => stateIn(await status('default', 'fixed')).ippool2?.[4], patience)
      .toBe(1)
    await expect
      .poll(async () => conditionIn(await status('default', 'fixed'), 'FixedOutsidePool'), patience)
      .toEqual(['True', 'HeldOutside', 'fixed addresses outside the serving pools: 1 in ippool3'])
  })

  test('nothing is written while nothing changes, however often it is looked at', async () => {
    const before = (await read('kube-system', 'svc1')).metadata.resourceVersion
    // A change elsewhere makes the loop look: when the other service shows it, it has looked.
    await service('default', 'unrelated', { ipv4poolList: ['resting'] })
    await expect.poll(async () => await status('default', 'unrelated'), patience).toBeDefined()
    expect((await read('kube-system', 'svc1')).metadata.resourceVersion).toBe(before)
  })
})
