// What a watch makes of a stream that etcd denies: to an expired token it says the same as to a
// missing permission, and only another call tells the two apart.
import { DatastoreFailure } from '@hc-calico/ipam-core/ports'
import { expect, test } from 'vitest'
import { type EtcdTransport, grpcStatus, TransportError } from '../src/transport.ts'
import { watchKind } from '../src/watch.ts'

const denied = () =>
  new TransportError(grpcStatus.permissionDenied, 'etcdserver: permission denied', 'No')

const pair = {
  key: '/calico/ipam/v2/handle/h1',
  value: '{"handleID":"h1","block":{},"deleted":false}',
  modRevision: 5n,
}

/** Its first streams are denied; `listsAllowed` lists are answered. */
const transportThatDenies = (streams: number, listsAllowed: number) => {
  const count = { lists: 0, streams: 0 }
  const transport: EtcdTransport = {
    transact: async () => {
      count.lists += 1
      if (count.lists > listsAllowed) throw denied()
      return { succeeded: true, revision: 4n, found: [[]] }
    },
    changes: async function* () {
      count.streams += 1
      if (count.streams <= streams) throw denied()
      yield { revision: 5n, changes: [{ tag: 'Put', pair }] }
    },
    close: async () => undefined,
  }
  return { transport, count }
}

test('a stream that is denied to an expired token is taken up again after a list', async () => {
  const { transport, count } = transportThatDenies(2, 9)
  const end = new AbortController()
  const tags: string[] = []
  for await (const event of watchKind(transport, 'Handle', end.signal)) {
    tags.push(event.tag)
    if (event.tag === 'Put') break
  }
  expect(tags).toEqual(['Synced', 'Synced', 'Synced', 'Put'])
  expect(count).toEqual({ lists: 3, streams: 3 })
})

test('a permission that is missing ends the watch', async () => {
  const { transport } = transportThatDenies(9, 1)
  const watching = async () => {
    for await (const _ of watchKind(transport, 'Handle', new AbortController().signal));
  }
  await expect(watching()).rejects.toThrow(DatastoreFailure)
})
