/** The caches, on both datastores: what is kept, what vanishes, what a killed API server changes. */
import { createIPAM, fixedAttrs } from '@hc-calico/ipam-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Controller } from '../src/run.ts'
import { allCaches } from '../src/sources/sources.ts'
import {
  type ControllerLab,
  datastoreTypes,
  poolNamed,
  startControllerLab,
} from './lab/controller-lab.ts'

const patience = { timeout: 30_000, interval: 50 }

describe.each(datastoreTypes)('on %s', (type) => {
  let lab: ControllerLab
  let controller: Controller
  beforeAll(async () => {
    lab = await startControllerLab(type)
    controller = await lab.controller({ reconcilers: [] })
  })
  afterAll(() => lab?.stop())

  const put = (path: string, body: object) => lab.api('POST', path, body)
  test('all are synced, also of APIs that are not served', async () => {
    await expect
      .poll(() => allCaches(controller.sources).filter((one) => !one.isSynced), patience)
      .toEqual([])
    expect(controller.sources.kruiseSets.size).toBe(0)
  })

  test('a pod: what it is, where, whose', async () => {
    await put('/api/v1/namespaces/default/pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'web-0',
        annotations: { serviceIPPoolcrd: 'svc1', other: 'x' },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u1', controller: true },
        ],
      },
      spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'none' }] },
    })
    await expect.poll(() => controller.sources.pods.get('default/web-0'), patience).toBeDefined()
    expect(controller.sources.pods.get('default/web-0')).toMatchObject({
      ...{ namespace: 'default', name: 'web-0', node: 'node-1', ips: [], phase: 'Pending' },
      annotations: { serviceIPPoolcrd: 'svc1' },
      owner: { kind: 'StatefulSet', name: 'web', apiVersion: 'apps/v1', uid: 'u1' },
    })
    await lab.api('PATCH', '/api/v1/namespaces/default/pods/web-0/status', {
      status: { podIPs: [{ ip: '10.9.0.1' }, { ip: 'fd00::1' }], podIP: '10.9.0.1' },
    })
    await expect
      .poll(() => controller.sources.pods.get('default/web-0')?.ips, patience)
      .toEqual(['10.9.0.1', 'fd00::1'])
  })

  test('a block: who has which address', async () => {
    await lab.write(poolNamed('pods', '10.72.0.0/24'))
    if (type === 'kubernetes') {
      const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }
      await put('/api/v1/nodes', node)
    } else {
      const value = { name: 'node-1', labels: {} }
      await lab.write({ op: 'create', key: { kind: 'Node', name: 'node-1' }, value })
    }
    const ipam = createIPAM({ datastore: lab.datastore })
    const pod = { node: 'node-1', pod: 'web-0', namespace: 'default', timestamp: 'now' }
    await ipam.assignIP({ ip: '10.72.0.1', handleID: 'h1', attrs: pod, host: 'node-1' })
    const state = { identity: 'default/StatefulSet/web/web-1', epoch: 3 }
    await ipam.assignIP({
      ...{ ip: '10.72.0.2', handleID: 'h2', attrs: fixedAttrs(state), host: 'node-1' },
    })
    const block = () => controller.sources.blocks.get('10.72.0.0/30')
    await expect.poll(() => block()?.allocations.length, patience).toBe(2)
    expect(block()).toMatchObject({ affinity: 'host:node-1', size: 4, free: 2, cooling: [] })
    expect(block()?.allocations).toMatchObject([
      {
        ...{ ip: '10.72.0.1', ordinal: 1, handleID: 'h1', sequenceNumber: expect.any(BigInt) },
        attributes: { node: 'node-1', pod: 'web-0', namespace: 'default' },
      },
      { ip: '10.72.0.2', ordinal: 2, handleID: 'h2', fixed: state },
    ])
    await expect.poll(() => [...controller.sources.handles.all().keys()]).toEqual(['h1', 'h2'])
    await ipam.releaseByHandle('h1')
    await expect.poll(() => block()?.allocations.length, patience).toBe(1)
    await expect.poll(() => [...controller.sources.handles.all().keys()]).toEqual(['h2'])
  })

  test('an API server that was killed: news are heard again, and what vanished is gone', async () => {
    const configMap = (name: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, labels: { 'calico-fixedIP': 'true', 'calico-fixedIP-ref': 'web' } },
      data: { 'web-0-ipv4': '10.72.0.9' },
    })
    await put('/api/v1/namespaces/default/configmaps', configMap('web-fixed-ip-conf'))
    const records = () => [...controller.sources.fixedRecords.all().keys()]
    await expect.poll(records, patience).toEqual(['default/web-fixed-ip-conf'])
    await lab.kubernetes.apiServer.kill()
    await lab.kubernetes.apiServer.start()
    await lab.api('DELETE', '/api/v1/namespaces/default/configmaps/web-fixed-ip-conf')
    await put('/api/v1/namespaces/default/configmaps', configMap('other-fixed-ip-conf'))
    await expect.poll(records, patience).toEqual(['default/other-fixed-ip-conf'])
  })
})
