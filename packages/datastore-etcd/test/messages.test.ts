// The messages byte for byte, against what protobufjs makes of etcd's own rpc.proto.
import { expect, test } from 'vitest'
import {
  decodeToken,
  decodeTransactionResult,
  decodeWatchAnswer,
  encodeSignIn,
  encodeTransaction,
  encodeWatch,
} from '../src/messages.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'hex')

/** Beyond what a JavaScript number holds. */
const beyond = 9_007_199_254_740_993n

test('TxnRequest: comparisons, a put, a delete, ranges now and at a revision', () => {
  const message = encodeTransaction({
    compare: [
      { key: '/calico/a', modRevision: 0n },
      { key: '/calico/b', modRevision: beyond },
    ],
    success: [
      { tag: 'Put', key: '/calico/a', value: '{"ü":1}' },
      { tag: 'Delete', key: '/calico/b' },
    ],
    failure: [
      { tag: 'Range', range: { key: '/calico/a' } },
      { tag: 'Range', range: { key: '/calico/', end: '/calico0' }, revision: 300n },
    ],
  })
  expect(hex(message)).toBe(
    '0a0f10021a092f63616c69636f2f6130000a1610021a092f63616c69636f2f62308180808080808010' +
      '121712150a092f63616c69636f2f6112087b22c3bc223a317d120d1a0b0a092f63616c69636f2f62' +
      '1a0d0a0b0a092f63616c69636f2f611a190a170a082f63616c69636f2f12082f63616c69636f3020ac02',
  )
})

test('TxnResponse: header, pairs of a range, nothing for a put and an empty range', () => {
  const pair = { key: '/k', value: 'é', modRevision: beyond }
  const message =
    '0a1808b298eaf1948386fccd011001188380808080808010200210011a230a210a02180512170a022f6b' +
    '100318818080808080801020022a02c3a93005180020011a0612040a0218051a020a00'
  expect(decodeTransactionResult(bytes(message))).toEqual({
    succeeded: true,
    revision: beyond + 2n,
    found: [[pair], [], []],
  })
})

test('TxnResponse: comparisons that do not hold, said and left out', () => {
  const expected = { succeeded: false, revision: 4n, found: [] }
  expect(decodeTransactionResult(bytes('0a0218041000'))).toEqual(expected)
  expect(decodeTransactionResult(bytes('0a021804'))).toEqual(expected)
})

test('WatchRequest', () => {
  expect(hex(encodeWatch({ key: '/a/', end: '/a0' }, 7n))).toBe('0a0e0a032f612f12032f613018072001')
})

test('WatchResponse: a put and a delete', () => {
  const message =
    '0a02180c10005a1912170a022f6b100318818080808080801020022a02c3a930055a0b12090a052f676f6e65180c'
  expect(decodeWatchAnswer(bytes(message.replace('5a0b1209', '5a0d08011209')))).toEqual({
    revision: 12n,
    compactRevision: 0n,
    isCreated: false,
    isCancelled: false,
    reason: '',
    changes: [
      { tag: 'Put', pair: { key: '/k', value: 'é', modRevision: beyond } },
      { tag: 'Deleted', key: '/gone' },
    ],
  })
})

test('WatchResponse: the end, because of a compaction', () => {
  expect(decodeWatchAnswer(bytes('0a02180c2001280b32036f6c64'))).toMatchObject({
    isCancelled: true,
    compactRevision: 11n,
    reason: 'old',
    changes: [],
  })
})

test('AuthenticateRequest and AuthenticateResponse', () => {
  expect(hex(encodeSignIn('u', 'p'))).toBe('0a0175120170')
  expect(decodeToken(bytes('0a02180112066162632e3132'))).toBe('abc.12')
})
