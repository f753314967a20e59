/**
 * Garbage collection on real API servers, with the controllers of Kubernetes: what lost nodes leave
 * behind goes, what lives stays, whatever is restarted and however much the caches lag.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGarbageReconciler } from '../src/garbage/garbage-reconciler.ts'
import type { Controller } from '../src/run.ts'
import { datastoreTypes } from './lab/controller-lab.ts'
import { addNode, containerHandle } from './lab/fake-nodes.ts'
import { type FixedLab, patience, startFixedLab } from './lab/fixed-lab.ts'
import { laggingClient } from './lab/lagging-client.ts'
import { afterRuns, metricOf } from './lab/loop-runs.ts'

const pods = '/api/v1/namespaces/default/pods'

describe.each(datastoreTypes)('on %s', (type) => {
  let lab: FixedLab
  let controller: Controller
  let started = 0
  const start = async (settings = {}, client = lab.client): Promise<void> => {
    started += 1
    const identity = `c${started}`
    controller = await lab.controller({
      ...{ reconcilers: [createGarbageReconciler], identity, settings, client },
    })
  }
  const restart = async (settings = {}, client = lab.client): Promise<void> => {
    await controller.stop()
    await start(settings, client)
  }
  beforeAll(async () => {
    lab = await startFixedLab(type)
    await start()
  })
  afterAll(() => lab?.stop())

  const someRuns = (): Promise<void> => afterRuns(controller, 'garbage', 5)
  const make = async (name: string): Promise<string> => {
    const spec = { containers: [{ name: 'c', image: 'none' }], terminationGracePeriodSeconds: 1 }
    await lab.api('POST', pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec })
    const ip = async () => {
      const found = await lab.api('GET', `${pods}/${name}`)
      return (found as { status?: { podIP?: string } }).status?.podIP
    }
    await expect.poll(ip, patience).toBeDefined()
    return containerHandle(await lab.podUID(name))
  }
  /** The pod is deleted by force, and its node never learns of it. */
  const lose = async (name: string): Promise<void> => {
    lab.nodes.cut()
    await lab.api('DELETE', `${pods}/${name}`, { gracePeriodSeconds: 0 })
    lab.nodes.resume()
  }
  const heldBy = (handle: string): Promise<number> =>
    lab.nodes.ipam.ipsByHandle(handle).then(
      (ips) => ips.length,
      () => 0,
    )

  test('the address of a pod that is gone is given back; those of pods that are there stay', async () => {
    const [lost, kept] = [await make('lost'), await make('kept')]
    await someRuns()
    expect([await heldBy(lost), await heldBy(kept)]).toEqual([1, 1])
    await lose('lost')
    await expect.poll(() => heldBy(lost), patience).toBe(0)
    await someRuns()
    expect(await heldBy(kept)).toBe(1)
    expect(await metricOf(controller, 'ipam_allocations_gc_reclamations')).toBe(1)
  })

  test('a dry run gives nothing back, and shows what it would', async () => {
    await restart({ isCollectionDry: true })
    const dry = await make('dry')
    await lose('dry')
    await expect
      .poll(() => metricOf(controller, 'ipam_allocations_gc_candidates'), patience)
      .toBe(1)
    await someRuns()
    expect(await heldBy(dry)).toBe(1)
    await restart()
    await expect.poll(() => heldBy(dry), patience).toBe(0)
  })

  test('a suspicion does not outlive its controller, and the next one comes to the same', async () => {
    await restart({ leakGraceMs: 20_000 })
    const slow = await make('slow')
    await lose('slow')
    await expect
      .poll(() => metricOf(controller, 'ipam_allocations_gc_candidates'), patience)
      .toBe(1)
    expect(await heldBy(slow)).toBe(1)
    await restart()
    await expect.poll(() => heldBy(slow), patience).toBe(0)
  })

  test('handles that own nothing go, those that own something stay', async () => {
    const kept = await make('owner')
    const value = { id: 'nobody.1', blocks: { '10.72.0.0/28': 2 } }
    await lab.write({ op: 'create', key: { kind: 'Handle', id: 'nobody.1' }, value })
    const handles = async (): Promise<ReadonlyArray<string>> => {
      const read = await lab.datastore.read([{ list: 'Handle' }])()
      return read._tag === 'Left' ? [] : read.right[0].map(({ key }) => key.id)
    }
    await expect.poll(handles, patience).not.toContain('nobody.1')
    expect(await handles()).toContain(kept)
  })

  test('a fixed address whose holder is gone is parked, never given back', async () => {
    await lab.set('db', 1)
    await expect.poll(() => lab.fixed('db-0'), patience).toEqual([expect.stringMatching(/\*$/)])
    const [ip = ''] = await lab.fixed('db-0')
    await someRuns()
    expect(await lab.fixed('db-0')).toEqual([ip])
    lab.nodes.cut()
    await lab.changeSet('db', { spec: { replicas: 0 } })
    await lab.api('DELETE', `${pods}/db-0`, { gracePeriodSeconds: 0 }, [404])
    await expect.poll(() => lab.fixed('db-0'), patience).toEqual([ip.replace('*', '')])
    await someRuns()
    expect(await lab.fixed('db-0')).toEqual([ip.replace('*', '')])
    lab.nodes.resume()
    await lab.changeSet('db', { spec: { replicas: 1 } })
    await expect.poll(() => lab.fixed('db-0'), patience).toEqual([ip])
  })

  test('caches that lag free nothing that is in use', async () => {
    const slow = laggingClient(lab.client)
    await restart({}, slow)
    await someRuns()
    slow.hold()
    const fresh = await make('fresh')
    await expect
      .poll(() => metricOf(controller, 'ipam_allocations_gc_candidates'), patience)
      .toBe(1)
    await someRuns()
    expect(await heldBy(fresh)).toBe(1)
    slow.release()
    await expect
      .poll(() => metricOf(controller, 'ipam_allocations_gc_candidates'), patience)
      .toBe(0)
    expect(await heldBy(fresh)).toBe(1)
    await restart()
  })

  test('a node that is deleted: its pods’ addresses and its empty blocks go, fixed ones stay', async () => {
    const owners = async (): Promise<ReadonlyArray<string | undefined>> => {
      const read = await lab.datastore.read([{ list: 'Block' }])()
      return read._tag === 'Left' ? [] : read.right[0].map(({ value }) => value.affinity)
    }
    await addNode(lab, 'doomed')
    const attrs = { node: 'doomed', pod: 'never', namespace: 'default' }
    const ask = { num4: 1, host: 'doomed', intendedUse: 'Workload' } as const
    await controller.stop()
    await lab.nodes.ipam.autoAssign({ ...ask, handleID: 'net.x1', attrs })
    const identity = 'default/StatefulSet/gone/gone-0'
    const fixed = { 'ipam.harmonycloud.cn/fixed': identity, 'ipam.harmonycloud.cn/epoch': '1' }
    await lab.nodes.ipam.autoAssign({ ...ask, handleID: 'hc-fixed.default.gone-0', attrs: fixed })
    await lab.nodes.ipam.claimAffinity('10.72.0.224/28', { type: 'host', host: 'doomed' })
    expect((await owners()).filter((one) => one === 'host:doomed')).toHaveLength(2)
    await start()
    await expect.poll(() => heldBy('net.x1'), patience).toBe(0)
    await someRuns()
    expect((await owners()).filter((one) => one === 'host:doomed')).toHaveLength(2)
    await lab.api('DELETE', '/api/v1/nodes/doomed')
    await expect.poll(owners, patience).not.toContain('host:doomed')
    expect(await owners()).toContain(undefined)
    expect(await lab.fixed('gone-0')).toHaveLength(1)
  })

  test('an API server that was killed: nothing is lost of what lives, and what is gone goes', async () => {
    const [lost, kept] = [await make('before'), await make('after')]
    await lab.kubernetes.apiServer.kill()
    await lab.kubernetes.apiServer.start()
    await lose('before')
    await expect.poll(() => heldBy(lost), patience).toBe(0)
    expect(await heldBy(kept)).toBe(1)
  })
})
