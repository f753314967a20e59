// ServiceIPPool: objects of the first HC-Calico read as they stand, and the status is new.

import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { expect, test } from 'vitest'
import { type ServiceIPPool, serviceIPPoolDocument } from '../src/harmonycloud/index.ts'
import { decodeServiceIPPool } from '../src/index.ts'

const sample = {
  apiVersion: 'harmonycloud.cn/v1alpha1',
  kind: 'ServiceIPPool',
  metadata: { name: 'svc1', namespace: 'kube-system' },
  spec: {
    ipv4poolList: ['ippool1', 'ippool2'],
    disabledIPv4PoolList: ['ippool3', 'ippool4'],
    ipv6poolList: ['ippool5', 'ippool6'],
    disabledIPv6PoolList: ['ippool7', 'ippool8'],
  },
}

const value: ServiceIPPool = {
  name: 'svc1',
  namespace: 'kube-system',
  ipv4Pools: ['ippool1', 'ippool2'],
  disabledIPv4Pools: ['ippool3', 'ippool4'],
  ipv6Pools: ['ippool5', 'ippool6'],
  disabledIPv6Pools: ['ippool7', 'ippool8'],
}

const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Serving',
  message: 'two pools serve',
  lastTransitionTime: '2026-08-01T10:00:00Z',
}

test('the documented example reads as it says and writes as it was', () => {
  expect(decodeServiceIPPool(sample)).toEqual(value)
  expect(serviceIPPoolDocument.encode(value)).toEqual(sample)
})

test.each([
  ['no spec', { ...sample, spec: undefined }],
  ['an empty spec', { ...sample, spec: {} }],
  ['lists that are null', { ...sample, spec: { ipv4poolList: null, ipv6poolList: null } }],
])('%s has no pools', (_name, document) => {
  expect(decodeServiceIPPool(document)).toMatchObject({
    ipv4Pools: [],
    disabledIPv4Pools: [],
    ipv6Pools: [],
    disabledIPv6Pools: [],
  })
})

test('status, unknown fields and metadata survive', () => {
  const member = { name: 'ippool1', state: 'Serving', total: 50, used: 3, free: 47, later: 1 }
  const status = {
    total: 50,
    used: 3,
    free: 47,
    members: [member],
    conditions: [condition],
    later: 2,
  }
  const metadata = { ...sample.metadata, uid: 'u', resourceVersion: '7', labels: { a: 'b' } }
  const document = { ...sample, metadata, spec: { ...sample.spec, later: 3 }, status }
  const read = decodeServiceIPPool(document)
  expect(read.status).toEqual(status)
  expect(serviceIPPoolDocument.encode(read, { resourceVersion: '7' })).toEqual(document)
})

test.each([
  [{ spec: { ipv4poolList: 'p' } }, 'spec.ipv4poolList: expected a list, got "p"'],
  [{ spec: { ipv6poolList: [1] } }, 'spec.ipv6poolList[0]: expected a string, got 1'],
  [
    { status: { conditions: [{ ...condition, status: true }] } },
    'status.conditions[0].status: expected one of "True", "False", "Unknown", got true',
  ],
  [
    { status: { free: -1 } },
    'status.free: expected a whole number from 0 to 9007199254740991, got -1',
  ],
  [{ metadata: {} }, 'metadata.name: expected a string, got nothing'],
])('refuses %j', (change, message) => {
  const decoded = serviceIPPoolDocument.decode({ ...sample, ...change })
  expect(isLeft(decoded) ? decoded.left : 'accepted').toBe(message)
})

test('what is written reads back the same', () => {
  const pools = fc.array(fc.string())
  const anyPool = fc.record({
    namespace: fc.stringMatching(/^[a-z]{1,9}$/),
    name: fc.stringMatching(/^[a-z]{1,9}$/),
    ipv4Pools: pools,
    disabledIPv4Pools: pools,
    ipv6Pools: pools,
    disabledIPv6Pools: pools,
  })
  fc.assert(
    fc.property(anyPool, (pool) => {
      expect(decodeServiceIPPool(serviceIPPoolDocument.encode(pool))).toEqual(pool)
    }),
  )
})
