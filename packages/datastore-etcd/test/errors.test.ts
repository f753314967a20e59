// What etcd (or its absence) says, as an error of the port: for a read, and for a write.
import { expect, test } from 'vitest'
import { appliedByAnswer, isStaleToken, toDatastoreError } from '../src/errors.ts'
import { type Applied, TransportError } from '../src/transport.ts'

const answered = (status: number, message: string): TransportError =>
  new TransportError(status, message, appliedByAnswer(status, message))

test.each<[string, TransportError, string, string]>([
  ['permission', answered(7, 'etcdserver: permission denied'), 'Unauthorized', 'Unauthorized'],
  ['nobody', answered(3, 'etcdserver: user name is empty'), 'Unauthorized', 'Unauthorized'],
  [
    'password',
    answered(3, 'etcdserver: authentication failed, invalid user ID or password'),
    'Unauthorized',
    'Unauthorized',
  ],
  ['token', answered(16, 'etcdserver: invalid auth token'), 'Unauthorized', 'Unauthorized'],
  ['quota', answered(8, 'etcdserver: mvcc: database space exceeded'), 'Unavailable', 'Unavailable'],
  ['load', answered(8, 'etcdserver: too many requests'), 'Unavailable', 'Unavailable'],
  ['no leader', answered(14, 'etcdserver: no leader'), 'Unavailable', 'Unavailable'],
  ['size', answered(3, 'etcdserver: request is too large'), 'Malformed', 'Malformed'],
  ['leader changed', answered(14, 'etcdserver: leader changed'), 'Unavailable', 'OutcomeUnknown'],
  ['timeout', answered(14, 'etcdserver: request timed out'), 'Unavailable', 'OutcomeUnknown'],
  ['deadline', answered(4, 'context deadline exceeded'), 'Unavailable', 'OutcomeUnknown'],
])('%s', (_, error, reading, writing) => {
  expect(toDatastoreError(error, 'read from', true).tag).toBe(reading)
  expect(toDatastoreError(error, 'write to', false).tag).toBe(writing)
})

test.each<[Applied, string]>([
  ['No', 'Unavailable'],
  ['Maybe', 'OutcomeUnknown'],
])('a connection that fails when the write was applied: %s', (applied, tag) => {
  const error = new TransportError(14, 'connection refused', applied)
  expect(toDatastoreError(error, 'write to', false).tag).toBe(tag)
})

test('a client certificate that is refused or missing', () => {
  const text = 'https://e:2379: TLS failed: tlsv13 alert certificate required'
  const error = toDatastoreError(answered(14, text), 'write to', false)
  expect(error.tag).toBe('Unauthorized')
  expect(error.message).toContain('it wants a client certificate that its own authority has signed')
})

test('the sentence says what was attempted, etcd’s words, and what to do', () => {
  const { message } = toDatastoreError(
    answered(7, 'etcdserver: permission denied'),
    'write to',
    false,
  )
  expect(message).toBe(
    'cannot write to etcd: etcdserver: permission denied; the user needs a role with read and write permission for keys below /calico/',
  )
})

test('an unforeseen failure of a write is not taken for certain', () => {
  expect(toDatastoreError(new Error('boom'), 'write to', false).tag).toBe('OutcomeUnknown')
  expect(toDatastoreError(new Error('boom'), 'read from', true).tag).toBe('Unavailable')
})

test.each([
  [16, 'etcdserver: invalid auth token', true],
  [3, 'etcdserver: revision of auth store is old', true],
  [7, 'etcdserver: permission denied', false],
])('status %i, %s: sign in again? %s', (status, message, expected) => {
  expect(isStaleToken(answered(status, message))).toBe(expected)
})
