// The adapters hand values of this package's types to ipam-core and back without conversion. The
// assignments below are the test: if a type drifts, this file no longer type-checks.
import type { Key, Kind, Values } from '@hc-calico/ipam-core/ports'
import { expect, expectTypeOf, test } from 'vitest'
import type { DocumentKeys } from '../src/etcd/index.ts'
import type { PlainKind, PlainTypes } from '../src/index.ts'

type Assignable<A, B> = A extends B ? (B extends A ? true : false) : false
type Disagreeing<A extends Record<K, unknown>, B extends Record<K, unknown>, K extends string> = {
  [P in K]: Assignable<A[P], B[P]> extends true ? never : P
}[K]
type CoreKeys = { [K in Kind]: Omit<Extract<Key, { kind: K }>, 'kind'> }

test('the kinds are the same', () => {
  expectTypeOf<PlainKind>().toEqualTypeOf<Kind>()
})

test('every plain type is mutually assignable with the type of the core', () => {
  expectTypeOf<Disagreeing<PlainTypes, Values, Kind>>().toEqualTypeOf<never>()
  const toCore = (value: PlainTypes[PlainKind]): Values[Kind] => value
  const fromCore = (value: Values[Kind]): PlainTypes[PlainKind] => value
  expect([toCore, fromCore]).toHaveLength(2)
})

test('the keys of the core serve as document keys', () => {
  type Named = Exclude<Kind, 'IPAMConfig' | 'ClusterInformation'>
  expectTypeOf<Disagreeing<DocumentKeys, CoreKeys, Named>>().toEqualTypeOf<never>()
})
