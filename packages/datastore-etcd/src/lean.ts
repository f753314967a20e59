/** Entry `./lean`: the datastore for processes that live for one call. Loads nothing of etcd3. */
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { datastoreOn } from './datastore.ts'
import { createLeanTransport } from './lean-transport.ts'
import { checkedOptions, type EtcdOptions } from './options.ts'

export type { EtcdOptions } from './options.ts'

/**
 * Opens the datastore; connects with the first call. Throws DatastoreFailure (Malformed) for options
 * that cannot be meant.
 */
export const createLeanEtcdDatastore = (options: EtcdOptions): Datastore =>
  datastoreOn(createLeanTransport(checkedOptions(options)))
