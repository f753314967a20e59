// The ConfigMap of fixed addresses: names of the first HC-Calico, and whatever people put into it.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fixedIPRecordKeys,
  fixedIPRecordMetadata,
  fixedIPRecordName,
  mayHoldLeftovers,
  readFixedIPRecord,
} from '../src/harmonycloud/index.ts'

const podsOf = (data: Parameters<typeof readFixedIPRecord>[0]) =>
  Object.fromEntries(readFixedIPRecord(data).pods)

describe('reading', () => {
  test.each<[string, Parameters<typeof readFixedIPRecord>[0], object]>([
    ['no data', undefined, {}],
    ['null data, labels present', null, {}],
    [
      'both families',
      { 'r-0-ipv4': '10.0.0.1', 'r-0-ipv6': 'fd00::1' },
      { 'r-0': { ipv4: '10.0.0.1', ipv6: 'fd00::1' } },
    ],
    [
      'a family written as empty',
      { 'r-0-ipv4': '10.0.0.1', 'r-0-ipv6': '' },
      { 'r-0': { ipv4: '10.0.0.1' } },
    ],
    ['both empty', { 'r-0-ipv4': '', 'r-0-ipv6': '' }, {}],
    ['a missing family', { 'r-0-ipv6': 'FD00:0::1' }, { 'r-0': { ipv6: 'fd00::1' } }],
    ['white space', { 'r-0-ipv4': ' 10.0.0.1\n' }, { 'r-0': { ipv4: '10.0.0.1' } }],
    [
      'a host route',
      { 'r-0-ipv4': '10.0.0.1/32', 'r-0-ipv6': 'fd00::1/128' },
      { 'r-0': { ipv4: '10.0.0.1', ipv6: 'fd00::1' } },
    ],
    ['keys of others', { note: 'ours', 'r-0-ipv4': '10.0.0.1' }, { 'r-0': { ipv4: '10.0.0.1' } }],
    [
      'a set whose name ends like a key',
      { 'r-ipv4-0-ipv4': '10.0.0.1' },
      { 'r-ipv4-0': { ipv4: '10.0.0.1' } },
    ],
    ['a value that is no text', { 'r-0-ipv4': 7 }, {}],
  ])('%s', (_, data, pods) => {
    expect(podsOf(data)).toEqual(pods)
    expect(readFixedIPRecord(data).odd).toEqual([])
  })

  test.each([
    ['r-0-ipv4', 'none', 'r-0-ipv4: "none" is not an IPv4 address'],
    ['r-0-ipv4', 'fd00::1', 'r-0-ipv4: "fd00::1" is not an IPv4 address'],
    ['r-0-ipv6', '10.0.0.1', 'r-0-ipv6: "10.0.0.1" is not an IPv6 address'],
    ['r-0-ipv4', '10.0.0.1/26', 'r-0-ipv4: "10.0.0.1/26" is not an IPv4 address'],
  ])('an odd entry %s=%s is reported and costs nobody else', (key, value, problem) => {
    const record = readFixedIPRecord({ [key]: value, 'r-1-ipv4': '10.0.0.2' })
    expect(record.odd).toEqual([{ key, value, problem }])
    expect(Object.fromEntries(record.pods)).toEqual({ 'r-1': { ipv4: '10.0.0.2' } })
  })
})

test('what stands under the keys of a pod is read back, and is that pod’s', () => {
  const octet = fc.integer({ min: 0, max: 255 })
  const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'))
  const pod = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?-\d{1,4}$/)
  fc.assert(
    fc.property(pod, fc.option(ipv4, { nil: undefined }), (name, address) => {
      const keys = fixedIPRecordKeys(name)
      expect(Object.values(keys)).toEqual([`${name}-ipv4`, `${name}-ipv6`])
      const data = { [keys.ipv4]: address ?? '', [keys.ipv6]: '' }
      expect(podsOf(data)).toEqual(address ? { [name]: { ipv4: address } } : {})
    }),
  )
})

describe('names', () => {
  test('as the first version had them', () => {
    expect(fixedIPRecordMetadata('redis')).toEqual({
      name: 'redis-fixed-ip-conf',
      labels: { 'calico-fixedIP': 'true', 'calico-fixedIP-ref': 'redis' },
      annotations: { 'calico-fixedIP-ref': 'redis', 'ipam.harmonycloud.cn/record': '2' },
    })
  })

  test.each<[string, Parameters<typeof mayHoldLeftovers>[0], boolean]>([
    ['of the first version', { labels: { 'calico-fixedIP': 'true' } }, true],
    [
      'of the first version, null annotations',
      { labels: { 'calico-fixedIP': 'true' }, annotations: null },
      true,
    ],
    ['of ours', fixedIPRecordMetadata('redis'), false],
    ['of a person', {}, false],
    ['of a person, null labels', { labels: null }, false],
  ])('whether a record %s may hold leftovers', (_, metadata, expected) => {
    expect(mayHoldLeftovers(metadata)).toBe(expected)
  })

  test('a label value ends at 63 characters and with a letter or digit', () => {
    const set = `${'a'.repeat(62)}-b`
    const { labels, annotations } = fixedIPRecordMetadata(set)
    expect(labels['calico-fixedIP-ref']).toBe('a'.repeat(62))
    expect(annotations['calico-fixedIP-ref']).toBe(set)
  })

  test('a name ends at 253 characters, and two long sets have two records', () => {
    const long = 'a'.repeat(240)
    const [one, other] = [fixedIPRecordName(`${long}b`), fixedIPRecordName(`${long}c`)]
    expect([one.length, other.length]).toEqual([253, 253])
    expect(one).not.toBe(other)
    expect(one).toMatch(/^[a-z0-9-]+-fixed-ip-conf$/)
    expect(fixedIPRecordName('a'.repeat(239))).toBe(`${'a'.repeat(239)}-fixed-ip-conf`)
  })
})
