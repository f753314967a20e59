// How many transactions a call is, whatever it asks for: a read one snapshot, a commit one write.
import type { Datastore, Revision } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import { datastoreOn } from '../src/datastore.ts'
import { type EtcdTransport, type Transaction, TransportError } from '../src/transport.ts'

const stub: Omit<EtcdTransport, 'transact'> = {
  changes: () => {
    throw new Error('not watched here')
  },
  close: async () => undefined,
}

const recording = (): { store: Datastore; sent: Transaction[] } => {
  const sent: Transaction[] = []
  const transport: EtcdTransport = {
    ...stub,
    transact: async (transaction) => {
      sent.push(transaction)
      const found = transaction.success.map(() => [])
      return { succeeded: true, revision: 7n, found }
    },
  }
  return { store: datastoreOn(transport), sent }
}

const handleKey = (n: number) => ({ kind: 'Handle', id: `h${n}` }) as const
const handle = (n: number) => ({ id: `h${n}`, blocks: {} })

describe('read', () => {
  test('many queries are one transaction', async () => {
    const { store, sent } = recording()
    await store.read([{ get: { kind: 'IPAMConfig' } }, { list: 'IPPool' }, { get: handleKey(1) }])()
    expect(sent).toHaveLength(1)
    expect(sent[0]?.success).toHaveLength(3)
    expect(sent[0]?.compare).toEqual([])
  })

  test('more than a transaction can hold are read at one revision', async () => {
    const { store, sent } = recording()
    await store.read(Array.from({ length: 300 }, (_, n) => ({ get: handleKey(n) })))()
    expect(sent.map(({ success }) => success.length)).toEqual([128, 128, 44])
    const revisions = sent.map(({ success }) => (success[0] as { revision?: bigint }).revision)
    expect(revisions).toEqual([undefined, 7n, 7n])
  })
})

describe('commit', () => {
  test('is one transaction: conditions, writes, and what is there if they fail', async () => {
    const { store, sent } = recording()
    const done = await store.commit([
      { op: 'create', key: handleKey(1), value: handle(1) },
      { op: 'update', key: handleKey(2), value: handle(2), revision: '5' as Revision },
      { op: 'delete', key: handleKey(3), revision: '6' as Revision },
    ])()
    expect(done).toEqual({ _tag: 'Right', right: { revisions: ['7', '7', undefined] } })
    expect(sent).toHaveLength(1)
    expect(sent[0]?.compare.map(({ modRevision }) => modRevision)).toEqual([0n, 5n, 6n])
    expect(sent[0]?.success.map(({ tag }) => tag)).toEqual(['Put', 'Put', 'Delete'])
    expect(sent[0]?.failure.map(({ tag }) => tag)).toEqual(['Range', 'Range', 'Range'])
  })

  test('of more writes than a transaction can hold is refused whole', async () => {
    const { store, sent } = recording()
    const writes = Array.from(
      { length: 129 },
      (_, n) => ({ op: 'create', key: handleKey(n), value: handle(n) }) as const,
    )
    const result = await store.commit(writes)()
    expect(result._tag === 'Left' && result.left.error.tag).toBe('Unsupported')
    expect(sent).toEqual([])
  })

  test.each(['', 'x', '-1', '0', 'uid/5'])(
    'a revision %j of another datastore is refused',
    async (revision) => {
      const { store, sent } = recording()
      const write = { op: 'delete', key: handleKey(1), revision: revision as Revision } as const
      const result = await store.commit([write])()
      expect(result._tag === 'Left' && result.left.error.tag).toBe('Malformed')
      expect(sent).toEqual([])
    },
  )

  test.each([
    ['still hold', true, 'Unavailable'],
    ['no longer hold', false, 'OutcomeUnknown'],
    ['cannot be looked at', undefined, 'OutcomeUnknown'],
  ])('no space, and its conditions %s', async (_, succeeded, tag) => {
    const full = new TransportError(8, 'etcdserver: mvcc: database space exceeded', 'No')
    const transport: EtcdTransport = {
      ...stub,
      transact: async ({ success }) => {
        if (success.length > 0 || succeeded === undefined) throw full
        return { succeeded, revision: 8n, found: [] }
      },
    }
    const write = { op: 'create', key: handleKey(1), value: handle(1) } as const
    const result = await datastoreOn(transport).commit([write])()
    expect(result._tag === 'Left' && result.left.error.tag).toBe(tag)
  })
})
