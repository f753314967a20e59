/**
 * How often an operation waits for the API server, one wait after the other: the budget of the
 * architecture, on a real server. Requests that are under way together are one wait.
 */
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { type APIGroup, createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { createIPAM, type IPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient, type KubeClient } from '@hc-calico/kube-client/lean'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { manifests, prepare } from './fixtures.ts'

const apiGroup: APIGroup = 'crd.projectcalico.org/v1'
const count = { waits: 0 }
let kubernetes: Kubernetes
let datastore: Datastore
let ipam: IPAM

const counting = (client: KubeClient): KubeClient => {
  let underWay = 0
  return {
    request: async (request) => {
      if (underWay === 0) count.waits += 1
      underWay += 1
      try {
        return await client.request(request)
      } finally {
        underWay -= 1
      }
    },
    watch: (path, cancellation) => client.watch(path, cancellation),
    close: () => client.close(),
  }
}

beforeAll(async () => {
  kubernetes = await startKubernetes({ crds: [manifests] })
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  datastore = await createKubernetesDatastore({ client: counting(client), apiGroup })
  ipam = createIPAM({ datastore })
  await prepare(kubernetes.kubeconfig, datastore, ['node-1', 'node-2', 'node-3', 'node-4'])
})
afterAll(async () => {
  await datastore?.close()
  await kubernetes?.stop()
})
beforeEach(() => {
  count.waits = 0
})

const add = async (handleID: string, host: string): Promise<string> => {
  const request = { host, num4: 1, handleID, intendedUse: 'Workload' } as const
  const { v4 } = await ipam.autoAssign(request)
  return v4?.ips[0]?.split('/')[0] as string
}

const blockOf = (address: string): string => {
  const octets = address.split('.')
  return `${octets.slice(0, 3).join('.')}.${Number(octets[3]) & 192}/26`
}

test('an address that claims a new block: at most 5', async () => {
  expect(await add('new', 'node-1')).toMatch(/^10\.72\./)
  expect(count.waits).toBeLessThanOrEqual(5)
})

test('an address from a block of the node: 4', async () => {
  await add('own-1', 'node-2')
  count.waits = 0
  await add('own-2', 'node-2')
  expect(count.waits).toBe(4)
})

test('giving back an address whose block is known: 3', async () => {
  const address = await add('known', 'node-3')
  count.waits = 0
  const given = { address, handle: 'known', blockHint: blockOf(address) }
  expect((await ipam.releaseIPs([given])).released).toEqual([address])
  expect(count.waits).toBe(3)
})

test('giving back by handle: 4', async () => {
  await add('by-handle', 'node-4')
  count.waits = 0
  await ipam.releaseByHandle('by-handle')
  expect(count.waits).toBe(4)
})
