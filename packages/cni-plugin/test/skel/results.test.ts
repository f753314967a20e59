// prevResult in every version becomes one form, and that form prints back to the same document.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readResult } from '../../src/skel/previous-result.ts'
import { type Result, resultDocument } from '../../src/skel/result.ts'
import { supportedVersions } from '../../src/skel/spec-version.ts'

const read = (document: object) => readResult(document, '1.1.0', 'prevResult')

describe('reading', () => {
  test.each<[string, object, Partial<Result>]>([
    [
      'the old form',
      {
        cniVersion: '0.2.0',
        ip4: { ip: '10.0.0.1/24', gateway: '10.0.0.254', routes: [{ dst: '0.0.0.0/0' }] },
      },
      { ips: [{ address: '10.0.0.1/24', gateway: '10.0.0.254' }], routes: [{ dst: '0.0.0.0/0' }] },
    ],
    [
      'both families of the old form',
      { cniVersion: '0.1.0', ip4: { ip: '10.0.0.1/24' }, ip6: { ip: 'fd00::1/64' } },
      { ips: [{ address: '10.0.0.1/24' }, { address: 'fd00::1/64' }] },
    ],
    [
      'version fields of 0.3 and 0.4',
      { cniVersion: '0.4.0', ips: [{ version: '4', address: '10.0.0.1/24' }] },
      { ips: [{ address: '10.0.0.1/24' }] },
    ],
    [
      'null for "not there"',
      { cniVersion: '1.0.0', ips: null, routes: [{ dst: '::/0', gw: null }], dns: null },
      { ips: [], routes: [{ dst: '::/0' }], dns: {} },
    ],
    [
      'empty text for "not there"',
      { cniVersion: '1.0.0', interfaces: [{ name: 'cali1', mac: '', sandbox: '' }] },
      { interfaces: [{ name: 'cali1' }] },
    ],
  ])('%s', (_, document, expected) => {
    expect(read(document)).toMatchObject(expected)
  })
  test('a document without a version has the one it came with', () => {
    expect(readResult({ ip4: { ip: '10.0.0.1/24' } }, '0.2.0', 'x').ips).toHaveLength(1)
    expect(readResult({ ips: [{ address: '10.0.0.1/24' }] }, '1.0.0', 'x').ips).toHaveLength(1)
  })
})

const octet = fc.integer({ min: 0, max: 255 })
const cidr4 = fc
  .tuple(octet, octet, octet, octet, fc.integer({ min: 0, max: 32 }))
  .map(([a, b, c, d, prefix]) => `${a}.${b}.${c}.${d}/${prefix}`)
const cidr6 = fc
  .tuple(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 0, max: 128 }))
  .map(([group, prefix]) => `fd00::${group.toString(16)}/${prefix}`)

test.each(supportedVersions)(
  'law: printing %s and reading it again loses nothing it can carry',
  (version) => {
    fc.assert(
      fc.property(cidr4, cidr6, fc.boolean(), (first, second, both) => {
        const result: Result = {
          interfaces: [],
          ips: (both ? [first, second] : [first]).map((address) => ({ address })),
          routes: [{ dst: first }],
          dns: { nameservers: ['10.0.0.53'] },
        }
        expect(read(resultDocument(result, version))).toEqual(result)
      }),
    )
  },
)
