// What the record of a set says of one pod, and what is written into it.
import { fixedIPRecordKeys } from '@hc-calico/crd-types/harmonycloud'
import { expect, test } from 'vitest'
import { type Family, recordKey } from '../src/fixed-record.ts'
import { podRecordOf, recordChange, type StoredRecord } from '../src/fixed-record-config-map.ts'

const ours = {
  labels: { 'calico-fixedIP': 'true' },
  annotations: { 'ipam.harmonycloud.cn/record': '2' },
}
const stored = (data: StoredRecord['data']): StoredRecord => ({ ...ours, data })
const set = new Set<Family>()

test('the keys are those of the documents', () => {
  expect({ ipv4: recordKey('redis-0', 4), ipv6: recordKey('redis-0', 6) }).toEqual(
    fixedIPRecordKeys('redis-0'),
  )
})

test.each<[string, StoredRecord | undefined, object, ReadonlySet<Family>, object | undefined]>([
  ['there is none', undefined, { 4: '10.0.0.1' }, set, { 'r-0-ipv4': '10.0.0.1', 'r-0-ipv6': '' }],
  ['it says it', stored({ 'r-0-ipv4': '10.0.0.1' }), { 4: '10.0.0.1' }, set, undefined],
  ['in another spelling', stored({ 'r-0-ipv6': 'FD00:0::1' }), { 6: 'fd00::1' }, set, undefined],
  [
    'empty',
    stored({ 'r-0-ipv4': '' }),
    { 4: '10.0.0.1' },
    set,
    { 'r-0-ipv4': '10.0.0.1', 'r-0-ipv6': '' },
  ],
  [
    'half',
    stored({ 'r-0-ipv4': '10.0.0.1' }),
    { 4: '10.0.0.1', 6: 'fd00::1' },
    set,
    { 'r-0-ipv6': 'fd00::1' },
  ],
  [
    'something else',
    stored({ 'r-0-ipv4': '10.0.0.2' }),
    { 4: '10.0.0.1' },
    set,
    { 'r-0-ipv4': '10.0.0.1', 'r-0-ipv6': '' },
  ],
  [
    'a wish that stands',
    stored({ 'r-0-ipv4': '10.0.0.2' }),
    { 4: '10.0.0.1' },
    new Set<Family>([4]),
    undefined,
  ],
  [
    'a wish that stands, and nothing of the other family',
    stored({ 'r-0-ipv4': '10.0.0.2' }),
    { 4: '10.0.0.1', 6: 'fd00::1' },
    new Set<Family>([4]),
    { 'r-0-ipv6': 'fd00::1' },
  ],
  [
    'a pin of a family that the pod has not',
    stored({ 'r-0-ipv6': 'fd00::1' }),
    { 4: '10.0.0.1' },
    set,
    { 'r-0-ipv4': '10.0.0.1' },
  ],
  ['null', stored(null), { 6: 'fd00::1' }, set, { 'r-0-ipv4': '', 'r-0-ipv6': 'fd00::1' }],
])('what is written where the record says: %s', (_, before, held, standing, data) => {
  const record = podRecordOf(before, 'r-0')
  expect(recordChange('r', 'r-0', record, { held, standing })?.data).toEqual(data)
})
