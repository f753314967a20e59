/**
 * What becomes of fixed addresses when their set shrinks, goes and comes back, with the real
 * StatefulSet controller and all loops: each policy, controllers that are restarted, caches that lag.
 */
import { fixedAttrs } from '@hc-calico/ipam-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Controller } from '../src/run.ts'
import { datastoreTypes } from './lab/controller-lab.ts'
import { containerHandle } from './lab/fake-nodes.ts'
import { type FixedLab, patience, startFixedLab } from './lab/fixed-lab.ts'
import { laggingClient } from './lab/lagging-client.ts'
import { afterRuns } from './lab/loop-runs.ts'

const annotation = 'retention.fixed.ipam.harmonycloud.cn'
const retention = (text: string) => ({ annotations: { [annotation]: text } })

describe.each(datastoreTypes)('on %s', (type) => {
  let lab: FixedLab
  let controller: Controller
  let started = 0
  const start = async (settings = {}, client = lab.client): Promise<Controller> => {
    started += 1
    return lab.controller({
      ...{ identity: `c${started}`, settings, client },
    })
  }
  beforeAll(async () => {
    lab = await startFixedLab(type)
    controller = await start()
  })
  afterAll(() => lab?.stop())

  const held = async (pod: string): Promise<string> => (await lab.fixed(pod)).join(' ')
  const becomes = (pod: string, what: string | RegExp) =>
    typeof what === 'string'
      ? expect.poll(() => held(pod), patience).toBe(what)
      : expect.poll(() => held(pod), patience).toMatch(what)
  const running = async (...pods: string[]): Promise<ReadonlyArray<string>> => {
    for (const pod of pods) await becomes(pod, /^[\d.]+\*$/)
    return Promise.all(pods.map(async (pod) => (await held(pod)).replace('*', '')))
  }
  const recorded = async (set: string, count: number): Promise<void> => {
    const keys = async () =>
      Object.values((await lab.record(set))?.data ?? {}).filter(Boolean).length
    await expect.poll(keys, patience).toBe(count)
    await expect
      .poll(async () => (await lab.record(set))?.metadata.annotations[annotation], patience)
      .toBeDefined()
  }
  const someRuns = (): Promise<void> => afterRuns(controller, 'fixed-addresses', 4)

  test('while the set exists, scaled down or not; then it goes, and the record with it', async () => {
    await lab.set('plain', 2)
    const [first, second] = await running('plain-0', 'plain-1')
    await recorded('plain', 2)
    await lab.changeSet('plain', { spec: { replicas: 0 } })
    await becomes('plain-1', second as string)
    await someRuns()
    expect([await held('plain-0'), await held('plain-1')]).toEqual([first, second])
    await lab.deleteSet('plain')
    await becomes('plain-0', '')
    await becomes('plain-1', '')
    await expect.poll(() => lab.record('plain'), patience).toBeUndefined()
    expect(await lab.events('ConfigMap', 'plain-fixed-ip-conf')).toContainEqual(
      expect.stringMatching(/^FixedAddressesReleased: the set is gone: plain-0 10\.72/),
    )
  })

  test('released on scale-down: what is above goes, what is left stays', async () => {
    await lab.set('small', 2, retention('release-on-scale-down'))
    const [first] = await running('small-0', 'small-1')
    await recorded('small', 2)
    await lab.changeSet('small', { spec: { replicas: 1 } })
    await becomes('small-1', '')
    expect(await held('small-0')).toBe(`${first}*`)
    await expect
      .poll(async () => Object.keys((await lab.record('small'))?.data ?? {}), patience)
      .toEqual(['small-0-ipv4', 'small-0-ipv6'])
    await lab.deleteSet('small')
  })

  test('spec.ordinals.start moves what is wanted', async () => {
    const spec = { ordinals: { start: 3 } }
    await lab.set('offset', 2, { ...retention('release-on-scale-down'), spec })
    await running('offset-3', 'offset-4')
    await recorded('offset', 2)
    await lab.changeSet('offset', { spec: { ordinals: { start: 4 }, replicas: 1 } })
    await becomes('offset-3', '')
    expect(await held('offset-4')).toMatch(/\*$/)
    await lab.deleteSet('offset')
  })

  test('kept for a time: not gone with another controller, undone by making the set again', async () => {
    await lab.set('kept', 1, retention('keep-for=1h'))
    const [first] = await running('kept-0')
    await recorded('kept', 1)
    await lab.deleteSet('kept')
    const goneSince = async () =>
      (await lab.record('kept'))?.metadata.annotations['gone-since.fixed.ipam.harmonycloud.cn']
    await expect.poll(goneSince, patience).toMatch(/^\d{4}-/)
    const before = await goneSince()
    await controller.stop()
    controller = await start()
    await someRuns()
    expect(await goneSince()).toBe(before)
    await becomes('kept-0', first as string)
    await lab.set('kept', 1, retention('keep-for=1h'))
    await becomes('kept-0', `${first}*`)
    await expect.poll(goneSince, patience).toBeUndefined()
  })

  test('the time is over: released, though the controller that saw it begin is long gone', async () => {
    const [first] = await running('kept-0')
    await lab.deleteSet('kept')
    await becomes('kept-0', first as string)
    await expect
      .poll(
        async () =>
          (await lab.record('kept'))?.metadata.annotations['gone-since.fixed.ipam.harmonycloud.cn'],
        patience,
      )
      .toMatch(/^\d{4}-/)
    await controller.stop()
    const twoHoursAgo = new Date(Date.now() - 7_200_000).toISOString()
    await lab.editRecord('kept', {
      metadata: { annotations: { 'gone-since.fixed.ipam.harmonycloud.cn': twoHoursAgo } },
    })
    controller = await start()
    await becomes('kept-0', '')
  })

  test('for ever; and a policy that nobody can read keeps too, and is answered', async () => {
    await lab.set('ever', 1, retention('forever'))
    await lab.set('odd', 1, retention('for-a-while'))
    const [ever, odd] = await running('ever-0', 'odd-0')
    await recorded('ever', 1)
    await recorded('odd', 1)
    await expect
      .poll(() => lab.events('StatefulSet', 'odd'), patience)
      .toContainEqual(
        expect.stringMatching(/^RetentionNotUnderstood: "for-a-while" is no retention/),
      )
    await lab.deleteSet('ever')
    await lab.deleteSet('odd')
    await becomes('ever-0', ever as string)
    await becomes('odd-0', odd as string)
    await controller.stop()
    controller = await start()
    await someRuns()
    expect([await held('ever-0'), await held('odd-0')]).toEqual([ever, odd])
    // What is kept is let go by a word in the record.
    await lab.editRecord('odd', { metadata: { annotations: { [annotation]: 'while-set-exists' } } })
    await becomes('odd-0', '')
    expect(await held('ever-0')).toBe(ever)
  })

  test('a set whose policy nobody has ever seen is given time, and that is said', async () => {
    await controller.stop()
    await lab.set('unseen', 1)
    const [first] = await running('unseen-0')
    await lab.deleteSet('unseen')
    await becomes('unseen-0', first as string)
    controller = await start()
    await expect
      .poll(() => lab.events('ConfigMap', 'unseen-fixed-ip-conf'), patience)
      .toContainEqual(expect.stringMatching(/^RetentionUnknown: there is no StatefulSet unseen/))
    expect(await held('unseen-0')).toBe(first)
    await controller.stop()
    controller = await start({ unknownRetentionMs: 1 })
    await becomes('unseen-0', '')
  })

  test('a namespace that is gone takes record and policy along: the time of an unknown one is left', async () => {
    await controller.stop()
    const handleID = 'hc-fixed.elsewhere.far-0'
    const attrs = fixedAttrs({ identity: 'elsewhere/StatefulSet/far/far-0', epoch: 1 })
    const ask = { num4: 1, host: 'node-1', intendedUse: 'Workload' } as const
    await lab.nodes.ipam.autoAssign({ ...ask, handleID, attrs })
    controller = await start()
    await someRuns()
    expect(await lab.nodes.ipam.ipsByHandle(handleID)).toHaveLength(1)
    await controller.stop()
    controller = await start({ unknownRetentionMs: 1 })
    await expect
      .poll(() => lab.nodes.ipam.ipsByHandle(handleID).catch(() => []), patience)
      .toEqual([])
  })

  test('a cache that lags frees nothing: the set is there again, the cache has not heard', async () => {
    await controller.stop()
    const slow = laggingClient(lab.client)
    controller = await start({}, slow)
    await lab.set('again', 1, retention('release-on-scale-down'))
    const [first] = await running('again-0')
    await recorded('again', 1)
    // Its node has lost power: the pod is deleted, and nobody has said that the address is free.
    lab.nodes.cut()
    const uid = await lab.podUID('again-0')
    await lab.changeSet('again', { spec: { replicas: 0 } })
    const pod = '/api/v1/namespaces/default/pods/again-0'
    await lab.api('DELETE', pod, { gracePeriodSeconds: 0 }, [404])
    const { statefulSets, pods } = controller.sources
    await expect.poll(() => statefulSets.get('default/again')?.replicas, patience).toBe(0)
    await expect.poll(() => pods.get('default/again-0'), patience).toBeUndefined()
    slow.hold()
    await lab.changeSet('again', { spec: { replicas: 1 } })
    await expect.poll(() => lab.podUID('again-0').catch(() => uid), patience).not.toBe(uid)
    // Only now the address is parked. The caches say: no pod, and none is wanted.
    await lab.nodes.ipam.parkFixed({
      ...{ handleID: 'hc-fixed.default.again-0', holderID: containerHandle(uid) },
    })
    await someRuns()
    expect(await held('again-0')).toBe(first)
    slow.release()
    lab.nodes.resume()
    await becomes('again-0', `${first}*`)
  })

  test('names of the greatest length', async () => {
    const name = 'n'.repeat(52)
    await lab.set(name, 1, retention('release-on-scale-down'))
    await running(`${name}-0`)
    await recorded(name, 1)
    expect((await lab.record(name))?.metadata.labels['calico-fixedIP-ref']).toBe(name)
    await lab.changeSet(name, { spec: { replicas: 0 } })
    await becomes(`${name}-0`, '')
  })
})
