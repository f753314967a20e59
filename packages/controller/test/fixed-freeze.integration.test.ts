/** Freeze of running sets, and sets of another API group (as OpenKruise's), on the real API server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFixedReconciler } from '../src/fixed/fixed-reconciler.ts'
import type { Controller } from '../src/run.ts'
import { datastoreTypes } from './lab/controller-lab.ts'
import { containerHandle } from './lab/fake-nodes.ts'
import { type FixedLab, patience, startFixedLab } from './lab/fixed-lab.ts'
import { afterRuns } from './lab/loop-runs.ts'

const freeze = { 'freeze.fixed.ipam.harmonycloud.cn': 'true' }
const fixedTemplate = {
  template: { metadata: { annotations: { 'fixed.ipam.harmonycloud.cn': 'true' } } },
}

/** As much of OpenKruise's definition as is needed to have such sets. */
const kruise = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'statefulsets.apps.kruise.io' },
  spec: {
    group: 'apps.kruise.io',
    scope: 'Namespaced',
    names: {
      plural: 'statefulsets',
      singular: 'statefulset',
      kind: 'StatefulSet',
      shortNames: ['asts'],
    },
    versions: [
      {
        ...{ name: 'v1beta1', served: true, storage: true },
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
}
const kruiseSets = '/apis/apps.kruise.io/v1beta1/namespaces/default/statefulsets'

describe.each(datastoreTypes)('on %s', (type) => {
  let lab: FixedLab
  let controller: Controller
  beforeAll(async () => {
    lab = await startFixedLab(type)
    controller = await lab.controller({ reconcilers: [createFixedReconciler] })
  })
  afterAll(() => lab?.stop())

  const held = async (pod: string): Promise<string> => (await lab.fixed(pod)).join(' ')
  const podIP = async (pod: string): Promise<string | undefined> => {
    const found = await lab.api('GET', `/api/v1/namespaces/default/pods/${pod}`, undefined, [404])
    return (found as { status?: { podIP?: string } }).status?.podIP
  }
  const running = async (pod: string): Promise<string> => {
    await expect.poll(() => podIP(pod), patience).toBeDefined()
    return (await podIP(pod)) as string
  }

  test('running pods keep what they have, without restart, and it is recorded and said', async () => {
    await lab.set('old', 2, { isFixed: false })
    const ips = [await running('old-0'), await running('old-1')]
    const uids = [await lab.podUID('old-0'), await lab.podUID('old-1')]
    expect(await held('old-0')).toBe('')
    await lab.changeSet('old', { metadata: { annotations: freeze } })
    await expect.poll(() => held('old-0'), patience).toBe(`${ips[0]}*`)
    await expect.poll(() => held('old-1'), patience).toBe(`${ips[1]}*`)
    await expect
      .poll(async () => (await lab.record('old'))?.data, patience)
      .toMatchObject({ 'old-0-ipv4': ips[0], 'old-1-ipv4': ips[1] })
    expect([await lab.podUID('old-0'), await lab.podUID('old-1')]).toEqual(uids)
    expect([await podIP('old-0'), await podIP('old-1')]).toEqual(ips)
    await expect
      .poll(() => lab.events('StatefulSet', 'old'), patience)
      .toContainEqual(
        expect.stringMatching(
          /^AddressesFrozen: .* 2 of 2 pods .*the pod template has no annotation/,
        ),
      )
    await expect(lab.nodes.ipam.ipsByHandle(containerHandle(uids[0] as string))).rejects.toThrow()
  })

  test('with the annotation in the template, the next start has the same address', async () => {
    const before = [await podIP('old-0'), await podIP('old-1')]
    const uid = await lab.podUID('old-0')
    await lab.changeSet('old', { spec: fixedTemplate })
    await expect.poll(() => lab.podUID('old-0').catch(() => uid), patience).not.toBe(uid)
    await expect.poll(() => held('old-0'), patience).toBe(`${before[0]}*`)
    await expect.poll(() => podIP('old-0'), patience).toBe(before[0])
    await expect
      .poll(() => lab.events('StatefulSet', 'old'), patience)
      .toContainEqual('AddressesFrozen: the addresses of 2 of 2 pods of old are fixed')
  })

  test('a pod that runs with another address than its fixed one is left alone, and named', async () => {
    await lab.set('two', 1, { isFixed: false, annotations: freeze })
    const first = await running('two-0')
    await expect.poll(() => held('two-0'), patience).toBe(`${first}*`)
    await lab.api('DELETE', '/api/v1/namespaces/default/pods/two-0')
    await expect.poll(() => held('two-0'), patience).toBe(first)
    await expect.poll(() => podIP('two-0'), patience).toMatch(/./)
    const second = await running('two-0')
    expect(second).not.toBe(first)
    await expect
      .poll(() => lab.events('StatefulSet', 'two'), patience)
      .toContainEqual(
        expect.stringContaining(`two-0: it runs with ${second} while ${first} is fixed for it`),
      )
    expect(await held('two-0')).toBe(first)
  })

  test('a controller that is stopped in the middle: the next one completes it', async () => {
    await lab.set('mid', 3, { isFixed: false })
    const ips = [await running('mid-0'), await running('mid-1'), await running('mid-2')]
    await lab.changeSet('mid', { metadata: { annotations: freeze } })
    await expect.poll(() => held('mid-0'), patience).toBe(`${ips[0]}*`)
    await controller.stop()
    controller = await lab.controller({ reconcilers: [createFixedReconciler], identity: 'next' })
    await expect
      .poll(async () => (await lab.record('mid'))?.data, patience)
      .toMatchObject({ 'mid-0-ipv4': ips[0], 'mid-1-ipv4': ips[1], 'mid-2-ipv4': ips[2] })
  })

  test('sets of OpenKruise: retention, with ordinals left out', async () => {
    const spec = { replicas: 2, reserveOrdinals: [1] }
    const annotations = { 'retention.fixed.ipam.harmonycloud.cn': 'release-on-scale-down' }
    await lab.api('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', kruise)
    const make = () =>
      lab.api('POST', kruiseSets, {
        ...{ apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet' },
        ...{ metadata: { name: 'kr', annotations }, spec },
      })
    await expect.poll(() => make().then(Boolean, () => false), patience).toBe(true)
    // Their pods are ours to make: no controller of theirs runs here.
    for (const ordinal of [0, 2]) {
      const pod = `kr-${ordinal}`
      const identity = `default/StatefulSet/kr/${pod}`
      const attrs = { 'ipam.harmonycloud.cn/fixed': identity, 'ipam.harmonycloud.cn/epoch': '1' }
      const handleID = `hc-fixed.default.${pod}`
      const ask = { num4: 1, host: 'node-1', intendedUse: 'Workload' } as const
      await lab.nodes.ipam.autoAssign({ ...ask, handleID, attrs })
    }
    await expect
      .poll(async () => (await lab.record('kr'))?.metadata.annotations, patience)
      .toMatchObject(annotations)
    await afterRuns(controller, 'fixed-addresses', 4)
    expect(await held('kr-0')).toMatch(/^[\d.]+$/)
    expect(await held('kr-2')).toMatch(/^[\d.]+$/)
    await lab.api('PATCH', `${kruiseSets}/kr`, { spec: { replicas: 1 } })
    await expect.poll(() => held('kr-2'), patience).toBe('')
    expect(await held('kr-0')).toMatch(/^[\d.]+$/)
    await lab.api('DELETE', `${kruiseSets}/kr`)
    await expect.poll(() => held('kr-0'), patience).toBe('')
  })
})
