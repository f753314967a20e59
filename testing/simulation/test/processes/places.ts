/** The datastores that the executable is started on, each with what its configuration says of it. */
import { join } from 'node:path'
import { makeDirectory } from '@hc-calico/cluster/directory'
import { startEtcdCluster } from '@hc-calico/cluster/etcd-cluster'
import { startKubernetes } from '@hc-calico/cluster/kubernetes'
import { createLeanEtcdDatastore } from '@hc-calico/datastore-etcd/lean'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { openLocalDatastore } from '@hc-calico/datastore-local'
import type { Datastore, Write } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'
import { poolNamed } from '../../src/traffic/settings.ts'

export const networkName = 'hc-net'

/** A datastore that is there, with pools and nodes in it. */
export interface Place {
  readonly datastore: Datastore
  readonly nodes: ReadonlyArray<string>
  /** What a runtime passes to the IPAM executable on a node. */
  confFor(node: string, over?: object): object
  close(): Promise<void>
}

const pool = { ...poolNamed('a'), cidr: '10.1.0.0/22' }
const nodes = ['n1', 'n2', 'n3'] as const

const fileName = 'datastore.sqlite'

const confOf = (directory: string, node: string, fields: object, over: object = {}): object => ({
  cniVersion: '1.0.0',
  name: networkName,
  type: 'hc-calico',
  nodename: node,
  nodename_file_optional: true,
  ipam_lock_file: join(directory, `${node}.lock`),
  ipam: { type: 'hc-calico-ipam', assign_ipv4: 'true', assign_ipv6: 'false' },
  ...fields,
  ...over,
})

const prepare = async (datastore: Datastore, writes: ReadonlyArray<Write>): Promise<void> => {
  const ready: Write = {
    op: 'create',
    key: { kind: 'ClusterInformation' },
    value: { datastoreReady: true },
  } as Write
  const first: Write = { op: 'create', key: { kind: 'IPPool', name: pool.name }, value: pool }
  for (const write of [ready, first, ...writes]) {
    const done = await datastore.commit([write])()
    if (done._tag === 'Left') throw new Error(done.left.error.message)
  }
}

/** One file; whoever comes first makes it, with the pool that the configuration states. */
export const localConf = (directory: string, node: string, over?: object): object => {
  const { name, cidr, blockSize } = pool
  const file = join(directory, fileName)
  const fields = {
    datastore_type: 'local',
    local_datastore: { file, ip_pools: [{ name, cidr, blockSize }] },
  }
  return confOf(directory, node, fields, over)
}

export const openLocal = (directory: string): Promise<Datastore> =>
  openLocalDatastore({ file: join(directory, fileName), ensure: [] })

const local = async (): Promise<Place> => {
  const directory = makeDirectory('killed-local')
  const datastore = await openLocal(directory.path)
  return {
    datastore,
    nodes: ['n1'],
    confFor: (node, over) => localConf(directory.path, node, over),
    close: async () => {
      await datastore.close()
      directory.remove()
    },
  }
}

const etcd = async (): Promise<Place> => {
  const directory = makeDirectory('killed-etcd')
  const cluster = await startEtcdCluster()
  const { certFile, keyFile } = await cluster.certificate('root')
  const { endpoints, caFile } = cluster
  const datastore = createLeanEtcdDatastore({ endpoints, caCertFile: caFile, certFile, keyFile })
  const made = nodes.map(
    (name): Write => ({ op: 'create', key: { kind: 'Node', name }, value: { name, labels: {} } }),
  )
  await prepare(datastore, made)
  const fields = {
    datastore_type: 'etcdv3',
    etcd_endpoints: endpoints.join(','),
    etcd_ca_cert_file: caFile,
    etcd_cert_file: certFile,
    etcd_key_file: keyFile,
  }
  return {
    datastore,
    nodes,
    confFor: (node, over) => confOf(directory.path, node, fields, over),
    close: async () => {
      await datastore.close()
      await cluster.stop()
      directory.remove()
    },
  }
}

const manifests = join(import.meta.dirname, '..', '..', '..', '..', 'packages/crd-types/manifests')

const kubernetes = async (): Promise<Place> => {
  const directory = makeDirectory('killed-kube')
  const cluster = await startKubernetes({ crds: [manifests] })
  const { kubeconfig } = cluster
  const made = nodes.map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } }))
  await cluster.apply(...made)
  const client = await createLeanKubeClient({ kubeconfig })
  const apiGroup = 'crd.projectcalico.org/v1'
  const datastore = createKubernetesDatastore({ client, apiGroup })
  await prepare(datastore, [])
  const fields = {
    datastore_type: 'kubernetes',
    kubernetes: { kubeconfig },
    calico_api_group: apiGroup,
  }
  return {
    datastore,
    nodes,
    confFor: (node, over) => confOf(directory.path, node, fields, over),
    close: async () => {
      await datastore.close()
      await cluster.stop()
      directory.remove()
    },
  }
}

export const places: ReadonlyArray<readonly [name: string, start: () => Promise<Place>]> = [
  ['local', local],
  ['etcd, a cluster of three', etcd],
  ['a real kube-apiserver', kubernetes],
]
