// What the API server answers, as an error of the port: for reads and for writes.
import { KubeConfigError, KubeUnreachable, type Method } from '@hc-calico/kube-client/lean'
import { describe, expect, test } from 'vitest'
import { isUnserved, refusal, toDatastoreError } from '../src/errors.ts'

const blocks = '/apis/crd.projectcalico.org/v1/ipamblocks'
const status = (reason: string, message: string, details: object = {}) =>
  JSON.stringify({ kind: 'Status', reason, message, details })

test.each<[number, Method, string]>([
  [401, 'GET', 'Unauthorized'],
  [403, 'PUT', 'Unauthorized'],
  [409, 'PUT', 'Conflict'],
  [404, 'PUT', 'NotFound'],
  [422, 'POST', 'Malformed'],
  [429, 'PUT', 'Unavailable'],
  [500, 'GET', 'Unavailable'],
  [500, 'PUT', 'OutcomeUnknown'],
  [503, 'POST', 'OutcomeUnknown'],
  [504, 'DELETE', 'OutcomeUnknown'],
])('status %i of %s is %s', (code, method, tag) => {
  const error = refusal(
    { method, path: `${blocks}/a` },
    { status: code, text: status('R', 'words') },
  )
  expect(error.tag).toBe(tag)
  expect(error.message).toContain('words')
})

test('Retry-After is passed on', () => {
  const answer = { status: 429, text: '', retryAfterMs: 3_000 }
  expect(refusal({ method: 'GET', path: blocks }, answer).retryAfterMs).toBe(3_000)
})

describe('a missing permission is named as a role states it', () => {
  test.each<[Method, string, string]>([
    ['GET', blocks, 'list ipamblocks.crd.projectcalico.org'],
    ['GET', `${blocks}/10-0-0-0-26`, 'get ipamblocks.crd.projectcalico.org'],
    ['GET', `${blocks}?watch=1&resourceVersion=5`, 'watch ipamblocks.crd.projectcalico.org'],
    ['POST', blocks, 'create ipamblocks.crd.projectcalico.org'],
    ['PUT', `${blocks}/a`, 'update ipamblocks.crd.projectcalico.org'],
    ['DELETE', '/apis/projectcalico.org/v3/ipamhandles/a', 'delete ipamhandles.projectcalico.org'],
    ['GET', '/api/v1/nodes/n', 'get nodes'],
    ['GET', '/api/v1/namespaces/default', 'get namespaces'],
    ['GET', '/api/v1/namespaces/default/pods/p', 'get pods'],
    ['PATCH', '/api/v1/namespaces/default/pods/p/status', 'patch pods/status'],
  ])('%s %s', (method, path, permission) => {
    const { message } = refusal({ method, path }, { status: 403, text: status('Forbidden', 'no') })
    expect(message).toContain(`the role needs the permission to ${permission}: no`)
  })
})

test.each([
  ['an object that is missing', status('NotFound', 'x', { name: 'x' }), false],
  [
    'a type that is not served',
    status('NotFound', 'the server could not find the requested resource'),
    true,
  ],
  ['a path nobody knows', '404 page not found', true],
])('404 for %s', (_, text, expected) => expect(isUnserved({ status: 404, text })).toBe(expected))

test.each([
  [new KubeUnreachable('refused', false), 'Unavailable', 'Unavailable'],
  [new KubeUnreachable('reset', true), 'Unavailable', 'OutcomeUnknown'],
  [new KubeConfigError('no such file'), 'Unauthorized', 'Unauthorized'],
  [new Error('boom'), 'Unavailable', 'OutcomeUnknown'],
])('%s', (cause, reading, writing) => {
  expect(toDatastoreError(cause, false).tag).toBe(reading)
  expect(toDatastoreError(cause, true).tag).toBe(writing)
})
