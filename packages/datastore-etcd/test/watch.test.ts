// What a watch makes of a stream that etcd denies (to an expired token it says the same as to a
// missing permission, and only another call tells the two apart), and where it takes up a broken one.
import { DatastoreFailure } from '@hc-calico/ipam-core/ports'
import { expect, test } from 'vitest'
import { type EtcdTransport, grpcStatus, TransportError } from '../src/transport.ts'
import { watchKind } from '../src/watch.ts'

const denied = () =>
  new TransportError(grpcStatus.permissionDenied, 'etcdserver: permission denied', 'No')

const invalidToken = () =>
  new TransportError(
    grpcStatus.unavailable,
    'the watch was ended: rpc error: code = Unauthenticated desc = etcdserver: invalid auth token',
    'No',
  )

const pair = {
  key: '/calico/ipam/v2/handle/h1',
  value: '{"handleID":"h1","block":{},"deleted":false}',
  modRevision: 5n,
}

/** Its first streams are denied; `listsAllowed` lists are answered. */
const transportThatDenies = (streams: number, listsAllowed: number, why = denied) => {
  const count = { lists: 0, streams: 0 }
  const transport: EtcdTransport = {
    transact: async () => {
      count.lists += 1
      if (count.lists > listsAllowed) throw denied()
      return { succeeded: true, revision: 4n, found: [[]] }
    },
    changes: async function* () {
      count.streams += 1
      if (count.streams <= streams) throw why()
      yield { revision: 5n, changes: [{ tag: 'Put', pair }] }
    },
    close: async () => undefined,
  }
  return { transport, count }
}

test.each([
  ['as 3.4 says it', denied],
  ['as others say it', invalidToken],
])(
  'a stream that is denied to an expired token is taken up again after a list: %s',
  async (_, why) => {
    const { transport, count } = transportThatDenies(2, 9, why)
    const end = new AbortController()
    const tags: string[] = []
    for await (const event of watchKind(transport, 'Handle', end.signal)) {
      tags.push(event.tag)
      if (event.tag === 'Put') break
    }
    expect(tags).toEqual(['Synced', 'Synced', 'Synced', 'Put'])
    expect(count).toEqual({ lists: 3, streams: 3 })
  },
)

test('a permission that is missing ends the watch', async () => {
  const { transport } = transportThatDenies(9, 1)
  const watching = async () => {
    for await (const _ of watchKind(transport, 'Handle', new AbortController().signal));
  }
  await expect(watching()).rejects.toThrow(DatastoreFailure)
})

test('a broken stream is taken up at the last revision seen, and nothing is reported twice', async () => {
  const asked: bigint[] = []
  const transport: EtcdTransport = {
    transact: async () => ({ succeeded: true, revision: 4n, found: [[]] }),
    changes: async function* (_, fromRevision) {
      asked.push(fromRevision)
      yield { revision: 5n, changes: [{ tag: 'Put', pair }] }
      if (asked.length === 1) throw new TransportError(grpcStatus.unavailable, 'cut', 'No')
      yield { revision: 6n, changes: [{ tag: 'Deleted', key: pair.key }] }
    },
    close: async () => undefined,
  }
  const tags: string[] = []
  for await (const event of watchKind(transport, 'Handle', new AbortController().signal)) {
    tags.push(event.tag)
    if (event.tag === 'Deleted') break
  }
  expect(tags).toEqual(['Synced', 'Put', 'Deleted'])
  expect(asked).toEqual([4n, 5n])
})
