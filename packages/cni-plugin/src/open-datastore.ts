/**
 * The only place that imports an adapter, and only the one the configuration names: an adapter's
 * modules are most of what a call would otherwise load for nothing.
 */
import type { EnsuredObject } from '@hc-calico/datastore-local'
import type { Datastore, Values } from '@hc-calico/ipam-core/ports'
import type {
  DatastoreConfig,
  EtcdDatastoreConfig,
  KubernetesDatastoreConfig,
  LocalDatastoreConfig,
  LocalPool,
} from './config-datastore.ts'

const poolValue = (pool: LocalPool): Values['IPPool'] => ({
  ...pool,
  terminating: false,
  allocatable: true,
  ipipMode: 'Never',
  vxlanMode: 'Never',
})

const reservationName = 'local-configuration'

/**
 * What the configuration states and nobody else would make: its pools, its reservations, and the
 * object of this node, which automatic assignment wants to see.
 */
export const statedObjects = (
  config: LocalDatastoreConfig,
  node: string,
): ReadonlyArray<EnsuredObject> => {
  const pools = config.pools.map(
    (pool): EnsuredObject => ({
      key: { kind: 'IPPool', name: pool.name },
      value: poolValue(pool),
    }),
  )
  const reservation: EnsuredObject = {
    key: { kind: 'IPReservation', name: reservationName },
    value: { name: reservationName, reservedCIDRs: config.reservations },
  }
  const labels = { 'kubernetes.io/hostname': node }
  return [
    { key: { kind: 'Node', name: node }, value: { name: node, labels } },
    ...pools,
    ...(config.reservations.length === 0 ? [] : [reservation]),
  ]
}

const openLocal = async (config: LocalDatastoreConfig, node: string): Promise<Datastore> => {
  const { openLocalDatastore } = await import('@hc-calico/datastore-local')
  return openLocalDatastore({ file: config.file, ensure: statedObjects(config, node) })
}

const openEtcd = async (config: EtcdDatastoreConfig): Promise<Datastore> => {
  const { createLeanEtcdDatastore } = await import('@hc-calico/datastore-etcd/lean')
  return createLeanEtcdDatastore(config)
}

const openKubernetes = async (config: KubernetesDatastoreConfig): Promise<Datastore> => {
  const [{ createLeanKubeClient }, { createKubernetesDatastore }] = await Promise.all([
    import('@hc-calico/kube-client/lean'),
    import('@hc-calico/datastore-kdd'),
  ])
  const { apiGroup } = config
  const client = await createLeanKubeClient(config)
  return createKubernetesDatastore({ client, ...(apiGroup === undefined ? {} : { apiGroup }) })
}

/** Opens the datastore of the configuration. Rejects with DatastoreFailure or KubeConfigError. */
export const openDatastore = async (config: DatastoreConfig, node: string): Promise<Datastore> => {
  switch (config.type) {
    case 'local':
      return openLocal(config, node)
    case 'etcdv3':
      return openEtcd(config)
    case 'kubernetes':
      return openKubernetes(config)
  }
}
