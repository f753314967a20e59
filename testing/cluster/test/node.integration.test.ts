// A whole node with Debian's own CNI plugins: a deployment grows, shrinks, has addresses.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageName } from '../src/container-image.ts'
import { type Kubernetes, startKubernetes } from '../src/kubernetes.ts'
import { createLAN, type LAN } from '../src/lan.ts'
import { type KubernetesNode, startNode } from '../src/node.ts'
import { waitUntil } from '../src/process.ts'

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'c',
            image: imageName,
            imagePullPolicy: 'Never',
            command: ['/bin/sleep', '100000'],
          },
        ],
      },
    },
  },
}

describe('a node', () => {
  let lan: LAN
  let kubernetes: Kubernetes
  let node: KubernetesNode
  beforeAll(async () => {
    lan = await createLAN('k8s')
    const address = lan.hostAddress
    kubernetes = await startKubernetes({ address, controllerManager: true, scheduler: true })
    node = await startNode({
      ...{ kubernetes, lan, number: 1, name: 'node-1', plugins: [] },
      network: ({ directory }) => ({
        cniVersion: '1.0.0',
        name: 'test',
        plugins: [
          {
            type: 'ptp',
            ipam: {
              type: 'host-local',
              dataDir: directory,
              ranges: [[{ subnet: '10.79.0.0/24' }]],
            },
          },
        ],
      }),
    })
  })
  afterAll(async () => {
    await node?.stop()
    await kubernetes?.stop()
    await lan?.remove()
  })

  const podIPs = async (): Promise<ReadonlyArray<string>> => {
    const path = '{range .items[?(@.status.phase=="Running")]}{.status.podIP}{"\\n"}{end}'
    const shown = await kubernetes.kubectl(['get', 'pods', '-o', `jsonpath=${path}`])
    return shown.split('\n').filter(Boolean)
  }
  const waitForPods = (count: number): Promise<ReadonlyArray<string>> =>
    waitUntil({ what: `${count} pods run`, timeoutMs: 60_000, intervalMs: 200 }, async () => {
      const addresses = await podIPs()
      return addresses.length === count && addresses
    })

  test('runs a deployment: every pod has an address of its own and answers', async () => {
    await kubernetes.apply(deployment)
    const addresses = await waitForPods(2)
    expect(new Set(addresses).size).toBe(2)
    for (const address of addresses) expect(await node.netns.reaches(address)).toBe(true)
  })

  test('the pods outlive its kubelet', async () => {
    const before = await podIPs()
    await node.killKubelet()
    await node.startKubelet()
    await node.waitUntilReady()
    expect(await podIPs()).toEqual(before)
  })

  test('scaled to nothing, no link stays', async () => {
    await kubernetes.kubectl(['scale', 'deployment', 'web', '--replicas=0'])
    await waitUntil({ what: 'all pods are gone', timeoutMs: 60_000 }, async () => {
      const pods = await kubernetes.kubectl(['get', 'pods', '-o', 'name'])
      const links = await node.netns.links()
      return pods === '' && links.every((link) => link.ifname === 'lan0')
    })
  })
})
