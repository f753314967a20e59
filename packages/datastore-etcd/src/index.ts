/** The HC-Calico datastore on etcd v3, for long-lived processes. One-shot ones: `./lean`. */
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { createEtcd3Transport } from './client.ts'
import { datastoreOn } from './datastore.ts'
import { checkedOptions, type EtcdOptions } from './options.ts'

export type { EtcdOptions } from './options.ts'

/**
 * Opens the datastore; connects with the first call. Rejects with DatastoreFailure: Malformed for
 * options that cannot be meant, Unavailable when discovery finds no endpoint.
 */
export const createEtcdDatastore = async (options: EtcdOptions): Promise<Datastore> =>
  datastoreOn(await createEtcd3Transport(checkedOptions(options)))
