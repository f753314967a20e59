/** A Deployment on a whole real node: what Kubernetes shows is what the blocks hold, and nothing leaks. */
import { makeDirectory, type OwnDirectory } from '@hc-calico/cluster/directory'
import { waitUntil } from '@hc-calico/cluster/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClusterUnderTest, type DatastoreType, startCluster } from './cluster-under-test.ts'

const deployment = (revision: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    strategy: { rollingUpdate: { maxSurge: '50%', maxUnavailable: 0 } },
    template: {
      metadata: { labels: { app: 'web' }, annotations: { revision } },
      spec: {
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'c',
            image: 'hc.local/busybox:1',
            imagePullPolicy: 'Never',
            command: ['/bin/sleep', '100000'],
          },
        ],
      },
    },
  },
})

describe.each<DatastoreType>(['kubernetes', 'etcdv3'])('datastore %s', (type) => {
  let directory: OwnDirectory
  let cluster: ClusterUnderTest

  beforeAll(async () => {
    directory = makeDirectory('whole-node')
    cluster = await startCluster(directory.path, type)
  })
  afterAll(async () => {
    await cluster?.stop()
    directory?.remove()
  })

  const scale = (replicas: number): Promise<string> =>
    cluster.kubernetes.kubectl(['scale', 'deployment', 'web', `--replicas=${replicas}`])

  /** Pods that are gone may take a moment to give their addresses back. */
  const expectAgreement = async (): Promise<void> => {
    const shown = await cluster.running()
    expect(new Set(shown.map(({ ip }) => ip)).size).toBe(shown.length)
    await waitUntil({ what: 'the blocks hold what runs', timeoutMs: 30_000 }, async () => {
      return JSON.stringify(await cluster.allocated()) === JSON.stringify(shown)
    })
    expect(await cluster.allocated()).toEqual(shown)
    expect(await cluster.handles()).toBe(shown.length)
  }

  test('NODE-01 two pods: addresses from the pool, reachable, as the blocks say', async () => {
    await cluster.kubernetes.apply(deployment('1'))
    const pods = await cluster.pods(2)
    for (const { ip } of pods) expect(await cluster.node.netns.reaches(ip)).toBe(true)
    await expectAgreement()
  })

  test('NODE-02 scaled to twenty at once', async () => {
    await scale(20)
    await cluster.pods(20)
    await expectAgreement()
  })

  test('NODE-03 a rolling update replaces every pod', async () => {
    const before = await cluster.running()
    const patch = { spec: { template: { metadata: { annotations: { revision: '2' } } } } }
    await cluster.kubernetes.kubectl(['patch', 'deployment', 'web', '-p', JSON.stringify(patch)])
    await cluster.kubernetes.kubectl(['rollout', 'status', 'deployment/web', '--timeout=120s'])
    const after = await cluster.pods(20)
    const names = new Set(before.map(({ pod }) => pod))
    expect(after.filter(({ pod }) => names.has(pod))).toEqual([])
    await expectAgreement()
  })

  test('NODE-04 kubelet and containerd killed and started again: the pods keep their addresses', async () => {
    const before = await cluster.running()
    await cluster.node.killKubelet()
    await cluster.node.containerd.kill()
    await cluster.node.containerd.start()
    await cluster.node.startKubelet()
    await cluster.node.waitUntilReady()
    expect(await cluster.pods(20)).toEqual(before)
    await expectAgreement()
  })

  test('NODE-06 a pod asks the API for an address: it gets that one', async () => {
    const annotations = { 'cni.projectcalico.org/ipAddrs': '["10.67.0.200"]' }
    const { containers, ...spec } = deployment('1').spec.template.spec
    const metadata = { name: 'pinned', namespace: 'default', annotations }
    await cluster.kubernetes.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { ...spec, containers },
    })
    const pods = await cluster.pods(21)
    expect(pods.find(({ pod }) => pod === 'pinned')?.ip).toBe('10.67.0.200')
    await expectAgreement()
    await cluster.kubernetes.kubectl(['delete', 'pod', 'pinned', '--now'])
    await cluster.pods(20)
  })

  test('NODE-05 scaled to nothing: no address, handle, link or route is left', async () => {
    await scale(0)
    await cluster.pods(0)
    await expectAgreement()
    const links = await cluster.node.netns.links()
    expect(links.map((link) => link.ifname)).toEqual(['lan0'])
    const routes = await cluster.node.netns.routes(4)
    expect(routes.filter(({ dst }) => dst.startsWith('10.67.'))).toEqual([])
  })
})
