// What containerd does when things go wrong, and what is left behind: nothing. On every datastore.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Containerd, startContainerd } from '@hc-calico/cluster/containerd'
import type { PodSandbox, PodSpec } from '@hc-calico/cluster/cri'
import { createLibCNI } from '@hc-calico/cluster/libcni'
import { waitUntil } from '@hc-calico/cluster/process'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type LabDatastore,
  labDatastores,
} from '../../packages/cni-plugin/test/lab/lab-datastore.ts'
import {
  defaultPools,
  executables,
  makeNodeUnderTest,
  type NodeUnderTest,
  nothing,
} from '../node-under-test.ts'

/** A plugin for the end of a chain: ADD fails, DEL does what a plugin must. */
const refusingPlugin = `#!/bin/sh
cat > /dev/null
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{ "cniVersion": "1.0.0", "code": 100, "msg": "not today" }'
exit 1
`

describe.each(labDatastores)('datastore $name', ({ start }) => {
  let datastore: LabDatastore
  let node: NodeUnderTest
  let containerd: Containerd
  beforeAll(async () => {
    datastore = await start()
    node = await makeNodeUnderTest('ctdfail', datastore)
    const extra = join(node.directory, 'plugins')
    mkdirSync(extra)
    writeFileSync(join(extra, 'refuse'), refusingPlugin)
    chmodSync(join(extra, 'refuse'), 0o755)
    const plugins = [executables, extra]
    containerd = await startContainerd({ node: node.netns, plugins, network: node.network() })
  })
  afterEach(async () => {
    await containerd.configureNetwork(node.network())
  })
  afterAll(async () => {
    await containerd?.stop()
    await node?.remove()
    await datastore?.close()
  })

  /** Where pods are objects, the runtime is told of one that exists. */
  const made = async (spec: PodSpec): Promise<PodSpec> => ({
    ...spec,
    ...(await datastore.createPod(spec.name, { annotations: spec.annotations ?? {} })),
  })

  const runPod = async (spec: PodSpec): Promise<PodSandbox> =>
    containerd.cri.runPod(await made(spec))

  const stopAndRemove = async (id: string): Promise<void> => {
    await containerd.cri.stopPod(id)
    await containerd.cri.removePod(id)
  }

  const addressesOf = async (pod: PodSandbox): Promise<ReadonlyArray<string>> =>
    (await containerd.cri.podStatus(pod.id)).addresses

  /** The records of failed attempts, which kubelet would remove. */
  const removeAll = async (): Promise<void> => {
    for (const id of await containerd.cri.listPods()) await stopAndRemove(id)
  }

  describe('a pod that comes again', () => {
    test('CTD-10: the new sandbox lives on when the old one is removed late', async () => {
      const uid = '5f0d7a3e-0001-4000-8000-000000000001'
      const spec = { uid, ...(await made({ name: 'again' })) }
      const old = await containerd.cri.runPod({ ...spec, attempt: 0 })
      const before = await addressesOf(old)
      await containerd.cri.stopPod(old.id)
      const young = await containerd.cri.runPod({ ...spec, attempt: 1 })
      const [v4 = '', v6 = ''] = await addressesOf(young)
      // containerd calls DEL for the old container a second time here.
      await containerd.cri.removePod(old.id)
      expect(before).toHaveLength(2)
      expect(await node.netns.reaches(v4)).toBe(true)
      expect(await node.netns.reaches(v6)).toBe(true)
      expect((await node.footprint()).handles).toEqual([`hc-net.${young.id}`])
      await stopAndRemove(young.id)
      expect(await node.footprint()).toEqual(nothing)
    })

    test('CTD-11: the new sandbox starts before the old one is stopped: only its own goes', async () => {
      const uid = '5f0d7a3e-0001-4000-8000-000000000002'
      const spec = { uid, ...(await made({ name: 'overlap' })) }
      const old = await containerd.cri.runPod({ ...spec, attempt: 0 })
      const young = await containerd.cri.runPod({ ...spec, attempt: 1 })
      const [v4 = ''] = await addressesOf(young)
      expect(await addressesOf(old)).not.toContain(v4)
      await stopAndRemove(old.id)
      expect(await node.netns.reaches(v4)).toBe(true)
      await stopAndRemove(young.id)
      expect(await node.footprint()).toEqual(nothing)
    })
  })

  describe('DEL', () => {
    test('CTD-12: stopped twice, removed twice: success, and DEL ran more than once', async () => {
      const pod = await runPod({ name: 'twice' })
      await containerd.cri.stopPod(pod.id)
      expect(await node.footprint()).toEqual(nothing)
      await containerd.cri.stopPod(pod.id)
      await containerd.cri.removePod(pod.id)
      await containerd.cri.removePod(pod.id)
      expect(await node.footprint()).toEqual(nothing)
      const calls = node.logged(new RegExp(`command="DEL".*${pod.id}`))
      expect(calls.length).toBeGreaterThanOrEqual(2)
    })

    test.each(['0.3.1', '0.4.0', '1.0.0'])(
      'CTD-13: a network of version %s',
      async (cniVersion) => {
        await containerd.configureNetwork(node.network({ cniVersion }))
        const pod = await runPod({ name: `version-${cniVersion.replaceAll('.', '-')}` })
        expect(await addressesOf(pod)).toHaveLength(2)
        await stopAndRemove(pod.id)
        expect(await node.footprint()).toEqual(nothing)
      },
    )
  })

  describe('an ADD that fails', () => {
    test('CTD-14: no pool has room: the reason reaches the kubelet, the next try succeeds', async () => {
      const tiny = {
        name: 'tiny',
        cidr: '10.166.200.0/30',
        blockSize: 30,
        assignmentMode: 'Manual',
      }
      const pools = [...defaultPools, tiny]
      await datastore.reset(pools)
      const ipam = { type: 'hc-calico-ipam', assign_ipv6: 'false', ipv4_pools: ['tiny'] }
      await containerd.configureNetwork(node.network({ pools, main: { ipam } }))
      const names = ['t0', 't1', 't2', 't3']
      const pods = await Promise.all(names.map((name) => runPod({ name })))
      const t4 = await made({ name: 't4' })
      await expect(containerd.cri.runPod(t4)).rejects.toThrow(
        /plugin type="hc-calico" failed \(add\): .*10\.166\.200\.0\/30/,
      )
      expect((await node.footprint()).links).toHaveLength(4)
      await stopAndRemove(pods[0]?.id ?? '')
      const late = await containerd.cri.runPod(t4)
      expect(await addressesOf(late)).toHaveLength(1)
      await removeAll()
      expect(await node.footprint()).toEqual(nothing)
    })

    test('CTD-15: a plugin behind ours refuses: containerd undoes ours', async () => {
      await containerd.configureNetwork(node.network({ followedBy: [{ type: 'refuse' }] }))
      await expect(runPod({ name: 'refused' })).rejects.toThrow(
        /plugin type="refuse" failed \(add\): not today/,
      )
      expect(await node.footprint()).toEqual(nothing)
      await removeAll()
    })

    test('CTD-16: an annotation that is wrong: one sentence, nothing left', async () => {
      const annotations = { 'cni.projectcalico.org/ipAddrs': '["10.66.0.300"]' }
      await expect(runPod({ name: 'wrong', annotations })).rejects.toThrow(
        /plugin type="hc-calico" failed \(add\): .*ipAddrs.*10\.66\.0\.300/,
      )
      expect(await node.footprint()).toEqual(nothing)
      await removeAll()
    })

    test('CTD-17: an address that somebody has: refused, and the holder keeps it', async () => {
      const annotations = { 'cni.projectcalico.org/ipAddrs': '["10.66.9.9"]' }
      const holder = await runPod({ name: 'holder', annotations })
      await expect(runPod({ name: 'thief', annotations })).rejects.toThrow(
        /plugin type="hc-calico" failed \(add\): .*10\.66\.9\.9/,
      )
      expect(await node.netns.reaches('10.66.9.9')).toBe(true)
      expect((await node.footprint()).allocations).toEqual([`hc-net.${holder.id}`])
      await removeAll()
      expect(await node.footprint()).toEqual(nothing)
    })
  })

  describe('a runtime that is killed', () => {
    const podCount = 12

    test('CTD-18: kill -9 amid parallel starts: all that it remembers it takes away again', async () => {
      const names = Array.from({ length: podCount }, (_, i) => `killed-${i}`)
      const specs = await Promise.all(names.map((name) => made({ name })))
      const starts = specs.map((spec) => containerd.cri.runPod(spec).catch(() => undefined))
      await waitUntil({ what: 'some addresses are given', timeoutMs: 20_000 }, async () => {
        return (await node.footprint()).handles.length >= 2
      })
      await containerd.kill()
      await Promise.all(starts)
      await containerd.start()
      await removeAll()
      // What it was killed before it could remember.
      await collectGarbage([])
      expect(await node.footprint()).toEqual(nothing)
    })

    test('CTD-19: what a runtime forgot goes with GC; the container it names stays', async () => {
      const kept = await runPod({ name: 'kept' })
      await runPod({ name: 'forgotten-1' })
      await runPod({ name: 'forgotten-2' })
      const addresses = await addressesOf(kept)
      await containerd.kill()
      await collectGarbage([kept])
      const footprint = await node.footprint()
      expect(footprint.handles).toEqual([`hc-net.${kept.id}`])
      expect(footprint.routes).toEqual(addresses)
      expect(footprint.links).toHaveLength(1)
      expect(await node.netns.reaches(addresses[0] ?? '')).toBe(true)
      await containerd.start()
      await removeAll()
      expect(await node.footprint()).toEqual(nothing)
    })

    /** As a runtime with CNI 1.1 does at its start. */
    const collectGarbage = async (valid: ReadonlyArray<PodSandbox>): Promise<void> => {
      const cni = createLibCNI({
        path: [executables],
        cacheDir: join(node.directory, 'gc'),
        through: ['nsenter', `--net=${node.netns.path}`],
      })
      const attachments = valid.map(({ id }) => ({ containerID: id, netns: '', ifName: 'eth0' }))
      await cni.gc(node.network({ cniVersion: '1.1.0' }), attachments)
    }
  })
})
