/**
 * Nothing is written by a process that leads no more, however late it wakes up: every write of the
 * loops goes through here, and is refused before it is sent unless this process leads at that very
 * moment. Reads pass.
 */
import { type Datastore, datastoreError } from '@hc-calico/ipam-core/ports'
import { type KubeClient, KubeUnreachable } from '@hc-calico/kube-client'

const refused = 'this process does not lead any more'

export const fencedClient = (client: KubeClient, isLeading: () => boolean): KubeClient => ({
  request: async (request) => {
    if (request.method !== 'GET' && !isLeading()) throw new KubeUnreachable(refused, false)
    return client.request(request)
  },
  watch: (path, cancellation) => client.watch(path, cancellation),
  close: async () => undefined,
})

export const fencedDatastore = (datastore: Datastore, isLeading: () => boolean): Datastore => ({
  capabilities: datastore.capabilities,
  read: (queries, options) => datastore.read(queries, options),
  commit: (writes, options) => async () => {
    if (isLeading()) return datastore.commit(writes, options)()
    const error = datastoreError('Unavailable', refused)
    return { _tag: 'Left', left: { error, applied: [], current: [] } }
  },
  watch: (kind, cancellation) => datastore.watch(kind, cancellation),
  close: async () => undefined,
})
