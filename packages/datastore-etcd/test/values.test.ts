// Pairs of etcd as objects and back, on the golden documents of crd-types, and what is unreadable.
import { readFileSync } from 'node:fs'
import type { Key, Revision } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import { etcdKey } from '../src/keys.ts'
import { keyValueOf, storedValue } from '../src/values.ts'

const folder = new URL('../../crd-types/test/golden/etcd/', import.meta.url)
const golden = (name: string): string => readFileSync(new URL(`${name}.json`, folder), 'utf8')

const pairOf = (key: Key, value: string) => ({
  key: etcdKey(key),
  value,
  modRevision: 9_007_199_254_740_993n,
})

const affinity = { kind: 'BlockAffinity', type: 'host', host: 'n1', cidr: '10.9.0.8/29' } as const
const block = (cidr: string) => ({ kind: 'Block', cidr }) as const

describe('come back as they were stored', () => {
  test.each<[string, Key]>([
    ['block-two-addresses', block('10.9.0.8/29')],
    ['block-fresh', block('10.9.0.16/30')],
    ['block-largest-integers', block('10.9.0.32/28')],
    ['block-unknown-fields', block('10.9.0.20/31')],
    ['block-ipv6', block('fd80:24e2:f998:72d6::/126')],
    ['affinity-empty-state', affinity],
    ['affinity-unknown-fields', affinity],
    ['handle-unknown-fields', { kind: 'Handle', id: 'k8s-pod-network.abc' }],
    ['config-usual', { kind: 'IPAMConfig' }],
  ])('%s', (name, key) => {
    const stored = golden(name)
    const found = keyValueOf(key, pairOf(key, stored))
    expect(found.key).toEqual(key)
    expect(found.revision).toBe('9007199254740993' as Revision)
    expect(storedValue(key.kind, found.value)).toBe(stored)
  })
})

test('an affinity without bytes, as very old software left it, is read', () => {
  const found = keyValueOf(affinity, pairOf(affinity, ''))
  expect(storedValue('BlockAffinity', found.value as never)).toBe(
    golden('affinity-no-bytes.rewritten'),
  )
})

describe('what cannot be read is named, with its etcd key', () => {
  test.each([
    ['cut off', '{"cidr":'],
    ['no object', '7'],
    ['without its fields', '{}'],
  ])('%s', (_, stored) => {
    const key = block('10.9.0.8/29')
    expect(() => keyValueOf(key, pairOf(key, stored))).toThrow(
      'the stored Block(10.9.0.8/29) (etcd key /calico/ipam/v2/assignment/ipv4/block/10.9.0.8-29) cannot be read: ',
    )
  })
})
