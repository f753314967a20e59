// Real containerd creates and removes pods through the executables, on every datastore.
import { type Containerd, startContainerd } from '@hc-calico/cluster/containerd'
import type { PodSandbox, PodSpec } from '@hc-calico/cluster/cri'
import { nodeAddresses } from '@hc-calico/cluster/netns'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type LabDatastore,
  labDatastores,
} from '../../packages/cni-plugin/test/lab/lab-datastore.ts'
import { executables, makeNodeUnderTest, type NodeUnderTest, nothing } from '../node-under-test.ts'

describe.each(labDatastores)('datastore $name', ({ start }) => {
  let datastore: LabDatastore
  let node: NodeUnderTest
  let containerd: Containerd
  beforeAll(async () => {
    datastore = await start()
    node = await makeNodeUnderTest('ctd', datastore)
    const network = node.network({
      followedBy: [{ type: 'portmap', snat: true, capabilities: { portMappings: true } }],
    })
    containerd = await startContainerd({ node: node.netns, plugins: [executables], network })
  })
  afterAll(async () => {
    await containerd?.stop()
    await node?.remove()
    await datastore?.close()
  })

  /** Where pods are objects, the runtime is told of one that exists. */
  const runPod = async (spec: PodSpec): Promise<PodSandbox> =>
    containerd.cri.runPod({
      ...spec,
      ...(await datastore.createPod(spec.name, { annotations: spec.annotations ?? {} })),
    })

  const addressesOf = async (pod: PodSandbox): Promise<ReadonlyArray<string>> => {
    const { addresses } = await containerd.cri.podStatus(pod.id)
    return addresses
  }

  const stopAndRemove = async (pod: PodSandbox): Promise<void> => {
    await containerd.cri.stopPod(pod.id)
    await containerd.cri.removePod(pod.id)
  }

  const withPod = async (
    spec: PodSpec,
    body: (pod: PodSandbox) => Promise<void>,
  ): Promise<void> => {
    const pod = await runPod(spec)
    try {
      await body(pod)
    } finally {
      await stopAndRemove(pod)
    }
  }

  describe('one pod', () => {
    test('CTD-01: containerd shows its two addresses; the container has them and nothing else', () =>
      withPod({ name: 'one' }, async (pod) => {
        const [v4 = '', v6 = '', ...more] = await addressesOf(pod)
        expect(v4).toMatch(/^10\.66\./)
        expect(v6).toMatch(/^fd66:/)
        expect(more).toEqual([])
        const container = await containerd.cri.runContainer(pod, 'app')
        const inside = async (...command: ReadonlyArray<string>): Promise<string> =>
          (await containerd.cri.exec(container, ...command)).stdout
        expect(await inside('ip', '-o', 'addr', 'show', 'eth0')).toContain(`inet ${v4}/32`)
        expect(await inside('ip', '-o', '-6', 'addr', 'show', 'eth0')).toContain(`inet6 ${v6}/128`)
        expect(await inside('ip', 'route')).toBe(
          'default via 169.254.1.1 dev eth0 \n169.254.1.1 dev eth0 scope link \n',
        )
        const footprint = await node.footprint()
        expect(footprint.allocations).toEqual([`hc-net.${pod.id}`, `hc-net.${pod.id}`])
        expect(footprint.routes).toEqual([v4, v6])
        expect(footprint.links).toEqual([expect.stringMatching(/^cali[0-9a-f]{11}$/)])
      }))

    test('CTD-02: it reaches its node and another pod, over both families', () =>
      withPod({ name: 'a' }, (a) =>
        withPod({ name: 'b' }, async (b) => {
          const container = await containerd.cri.runContainer(a, 'app')
          for (const address of [...Object.values(nodeAddresses), ...(await addressesOf(b))]) {
            const ping = ['ping', '-c', '1', '-W', '2', address]
            const { exitCode, stdout } = await containerd.cri.exec(container, ...ping)
            expect({ address, exitCode, stdout }).toMatchObject({ exitCode: 0 })
          }
          for (const address of await addressesOf(a)) {
            expect(await node.netns.reaches(address)).toBe(true)
          }
        }),
      ))

    test('CTD-03: a host port leads to it while it lives, and nowhere after', async () => {
      const rules = (): Promise<string> => node.netns.exec('iptables-save', ['-t', 'nat'])
      await withPod({ name: 'web', ports: [{ container: 80, host: 8080 }] }, async (pod) => {
        const [v4] = await addressesOf(pod)
        expect(await rules()).toContain(`--to-destination ${v4}:80`)
      })
      expect(await rules()).not.toContain('--to-destination')
    })

    test('CTD-04: it may ask for its addresses by annotation, which containerd passes on', () =>
      withPod(
        {
          name: 'pinned',
          annotations: {
            'cni.projectcalico.org/ipAddrs': '["10.66.77.77", "fd66::7777"]',
            'cni.projectcalico.org/hwAddr': '1c:0c:0a:c0:ff:ee',
          },
        },
        async (pod) => {
          expect(await addressesOf(pod)).toEqual(['10.66.77.77', 'fd66::7777'])
          const container = await containerd.cri.runContainer(pod, 'app')
          const { stdout } = await containerd.cri.exec(container, 'ip', 'link', 'show', 'eth0')
          expect(stdout).toContain('1c:0c:0a:c0:ff:ee')
        },
      ))

    test('after all of them nothing is left', async () => {
      expect(await node.footprint()).toEqual(nothing)
    })
  })

  describe('many pods', () => {
    const podCount = 50

    test(`CTD-05: ${podCount} at once get distinct addresses, and everything is gone after`, async () => {
      const names = Array.from({ length: podCount }, (_, i) => `many-${i}`)
      const pods = await Promise.all(names.map((name) => runPod({ name })))
      const addresses = await Promise.all(pods.map(addressesOf))
      expect(addresses.every((pair) => pair.length === 2)).toBe(true)
      for (const family of [0, 1]) {
        expect(new Set(addresses.map((pair) => pair[family])).size).toBe(podCount)
      }
      const full = await node.footprint()
      expect(full.allocations).toHaveLength(2 * podCount)
      expect(full.handles).toHaveLength(podCount)
      expect(full.endpoints).toHaveLength(podCount)
      expect(full.links).toHaveLength(podCount)
      expect([...full.routes].sort()).toEqual(addresses.flat().sort())
      const [first = ''] = addresses[0] ?? []
      expect(await node.netns.reaches(first)).toBe(true)
      await Promise.all(pods.map(stopAndRemove))
      expect(await node.footprint()).toEqual(nothing)
    })

    test('CTD-06: starts and removals mixed: no address has two holders at any time', async () => {
      const live = new Map<string, string>()
      const shared: string[] = []
      const cycle = async (name: string): Promise<void> => {
        const pod = await runPod({ name })
        const addresses = await addressesOf(pod)
        for (const address of addresses) {
          if (live.has(address)) shared.push(`${address}: ${live.get(address)} and ${name}`)
          live.set(address, name)
        }
        for (const address of addresses) live.delete(address)
        await stopAndRemove(pod)
      }
      const workers = Array.from({ length: 8 }, async (_, worker) => {
        for (let round = 0; round < 4; round += 1) await cycle(`churn-${worker}-${round}`)
      })
      await Promise.all(workers)
      expect(shared).toEqual([])
      expect(await node.footprint()).toEqual(nothing)
    })
  })
})
