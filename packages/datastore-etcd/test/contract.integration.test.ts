/** The contract on a real etcd, through each transport and through one of each. */

import { command } from '@hc-calico/cluster/command'
import { type Etcd, startEtcd } from '@hc-calico/cluster/etcd'
import { describeDatastoreContract } from '@hc-calico/datastore-contract'
import { createEtcdDatastore } from '@hc-calico/datastore-etcd'
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { afterAll, beforeAll } from 'vitest'
import { startTCPProxy } from './tcp-proxy.ts'

let etcd: Etcd

beforeAll(async () => {
  etcd = await startEtcd()
})
afterAll(() => etcd?.stop())

const lean = async (endpoint = etcd.endpoint): Promise<Datastore> =>
  createLeanEtcdDatastore({ endpoints: [endpoint] })
const full = (endpoint = etcd.endpoint): Promise<Datastore> =>
  createEtcdDatastore({ endpoints: [endpoint] })

const emptied = async (): Promise<void> => {
  const args = ['--endpoints', etcd.endpoint, 'del', '--prefix', '/calico/']
  await command('/usr/bin/etcdctl', args, { env: { ETCDCTL_API: '3', PATH: '/usr/bin:/bin' } })
}

const clients = [
  ['etcd, lean transport', lean, lean],
  ['etcd, etcd3 transport', full, full],
  ['etcd, one client of each transport', lean, full],
] as const

for (const [name, openFirst, openSecond] of clients) {
  describeDatastoreContract(name, {
    capabilities: { atomicCommit: true, watch: true },
    open: async () => {
      await emptied()
      const [first, second] = [await openFirst(), await openSecond()]
      const proxy = await startTCPProxy(etcd.endpoint)
      const store = await openFirst(proxy.endpoint)
      const close = async (): Promise<void> => {
        await Promise.all([first.close(), second.close(), store.close()])
        await proxy.close()
      }
      const { loseNextReply, loseNextRequest } = proxy
      return { first, second, lossy: { store, loseNextReply, loseNextRequest }, close }
    },
  })
}
