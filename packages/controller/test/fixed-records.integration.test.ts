/** Records and addresses kept in step, both ways, with the real StatefulSet controller. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFixedReconciler } from '../src/fixed/fixed-reconciler.ts'
import type { Controller } from '../src/run.ts'
import { datastoreTypes } from './lab/controller-lab.ts'
import { type FixedLab, patience, startFixedLab } from './lab/fixed-lab.ts'

const only = { reconcilers: [createFixedReconciler] }

describe.each(datastoreTypes)('on %s', (type) => {
  let lab: FixedLab
  let controller: Controller
  beforeAll(async () => {
    lab = await startFixedLab(type)
    controller = await lab.controller(only)
  })
  afterAll(() => lab?.stop())

  const data = async (set: string) => (await lab.record(set))?.data
  const held = async (pod: string): Promise<string> => (await lab.fixed(pod)).join(' ')
  const address = async (pod: string): Promise<string> => {
    await expect.poll(() => held(pod), patience).toMatch(/^[\d.]+\*$/)
    return (await held(pod)).replace('*', '')
  }
  const restarted = async (): Promise<void> => {
    await controller.stop()
    controller = await lab.controller({ ...only, identity: `again_${Math.random()}` })
  }

  test('the record of a set comes by itself, with labels and policy', async () => {
    await lab.set('web', 2)
    const [first, second] = [await address('web-0'), await address('web-1')]
    await expect
      .poll(() => data('web'), patience)
      .toEqual({
        ...{ 'web-0-ipv4': first, 'web-0-ipv6': '' },
        ...{ 'web-1-ipv4': second, 'web-1-ipv6': '' },
      })
    const { labels, annotations } = (await lab.record('web'))?.metadata ?? {}
    expect(labels).toEqual({ 'calico-fixedIP': 'true', 'calico-fixedIP-ref': 'web' })
    await expect
      .poll(async () => (await lab.record('web'))?.metadata.annotations, patience)
      .toMatchObject({ 'retention.fixed.ipam.harmonycloud.cn': 'while-set-exists' })
    expect(annotations).toMatchObject({ 'calico-fixedIP-ref': 'web' })
  })

  test('a record that was deleted is written again', async () => {
    const before = await lab.record('web')
    await lab.api('DELETE', '/api/v1/namespaces/default/configmaps/web-fixed-ip-conf')
    await expect.poll(() => data('web'), patience).toEqual(before?.data)
    expect((await lab.record('web'))?.metadata.uid).not.toBe(before?.metadata.uid)
  })

  test('an edit while a pod holds the address waits for its next start, and is answered', async () => {
    const before = await address('web-0')
    await lab.editRecord('web', { data: { 'web-0-ipv4': '10.72.0.200' } })
    await expect
      .poll(() => lab.events('ConfigMap', 'web-fixed-ip-conf'), patience)
      .toContain(
        `RepinAccepted: web-0 gets 10.72.0.200 instead of ${before} when it is started next`,
      )
    expect(await held('web-0')).toBe(`${before}*`)
    expect(await data('web')).toMatchObject({ 'web-0-ipv4': '10.72.0.200' })
  })

  test('an edit while the address is parked is carried out at once', async () => {
    await lab.changeSet('web', { spec: { replicas: 0 } })
    await expect.poll(() => held('web-0'), patience).toBe('10.72.0.200')
    await restarted()
    await lab.editRecord('web', { data: { 'web-0-ipv4': '10.72.0.201' } })
    await expect.poll(() => held('web-0'), patience).toBe('10.72.0.201')
    await expect
      .poll(() => lab.events('ConfigMap', 'web-fixed-ip-conf'), patience)
      .toContain('Repinned: web-0 has 10.72.0.201 from now on; 10.72.0.200 is given back')
    await lab.changeSet('web', { spec: { replicas: 2 } })
    await expect.poll(() => held('web-0'), patience).toBe('10.72.0.201*')
  })

  test.each<[string, () => Promise<string>, RegExp]>([
    ['in no pool', async () => '192.0.2.1', /192\.0\.2\.1 is in no enabled IP pool/],
    ['held by another', () => address('web-1'), /is held by default\/StatefulSet\/web\/web-1/],
    ['no address at all', async () => '10.72.0.999', /"10\.72\.0\.999" is not an IPv4 address/],
  ])('an edit that cannot be met is answered: %s', async (_name, asked, why) => {
    const before = await address('web-0')
    await lab.editRecord('web', { data: { 'web-0-ipv4': await asked() } })
    await expect
      .poll(() => lab.events('ConfigMap', 'web-fixed-ip-conf'), patience)
      .toContainEqual(expect.stringMatching(why))
    expect(await held('web-0')).toBe(`${before}*`)
    await lab.editRecord('web', { data: { 'web-0-ipv4': null } })
    await expect.poll(() => data('web'), patience).toMatchObject({ 'web-0-ipv4': before })
  })

  test('keys that a person wrote into a record without labels are kept', async () => {
    await lab.api('POST', '/api/v1/namespaces/default/configmaps', {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'db-fixed-ip-conf' } },
      data: { 'db-5-ipv4': '10.72.0.210', note: 'ours' },
    })
    await lab.set('db', 1)
    const first = await address('db-0')
    await expect
      .poll(() => data('db'), patience)
      .toEqual({
        ...{ 'db-0-ipv4': first, 'db-0-ipv6': '' },
        ...{ 'db-5-ipv4': '10.72.0.210', note: 'ours' },
      })
    expect((await lab.record('db'))?.metadata.labels).toMatchObject({ 'calico-fixedIP': 'true' })
  })

  test('with strict affinity, an address of any node’s block can be asked for', async () => {
    const config = await lab.nodes.ipam.getIPAMConfig()
    await lab.nodes.ipam.setIPAMConfig({ ...config, strictAffinity: true })
    await lab.nodes.ipam.claimAffinity('10.72.0.240/28', { type: 'host', host: 'node-2' })
    await lab.changeSet('db', { spec: { replicas: 0 } })
    await expect.poll(() => held('db-0'), patience).toMatch(/^[\d.]+$/)
    await expect.poll(() => controller.sources.blocks.get('10.72.0.240/28'), patience).toBeDefined()
    await lab.editRecord('db', { data: { 'db-0-ipv4': '10.72.0.250' } })
    await expect.poll(() => held('db-0'), patience).toBe('10.72.0.250')
    await lab.nodes.ipam.setIPAMConfig({ ...config, strictAffinity: false })
  })

  test('an API server that was killed: what was asked meanwhile is done', async () => {
    await lab.changeSet('db', { spec: { replicas: 0 } })
    await expect.poll(() => held('db-0'), patience).toMatch(/^[\d.]+$/)
    await lab.kubernetes.apiServer.kill()
    await lab.kubernetes.apiServer.start()
    await lab.editRecord('db', { data: { 'db-0-ipv4': '10.72.0.220' } })
    await expect.poll(() => held('db-0'), patience).toBe('10.72.0.220')
  })
})
