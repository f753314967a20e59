// What a damaged document is answered with: one sentence that says where, what was expected and
// what was there.
import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { readEtcdText } from '../src/etcd/index.ts'
import { decodeDocument, decodeIPPool, InvalidDocument, type PlainKind } from '../src/index.ts'
import { type APIDocument, v1Documents } from '../src/v1/index.ts'

const key = { name: 'n', namespace: 'ns', type: 'host', host: 'h', cidr: '10.0.0.0/30', id: 'i' }

const block = (change: object): string =>
  JSON.stringify({
    cidr: '10.0.0.0/30',
    affinity: null,
    allocations: [null, 0, null, null],
    unallocated: [0, 2, 3],
    attributes: [{}],
    sequenceNumber: 1,
    sequenceNumberForAllocation: {},
    deleted: false,
    ...change,
  })
const spec = (fields: unknown): string => JSON.stringify({ spec: fields })

test.each<readonly [PlainKind, string, string]>([
  ['Block', '', 'document: expected an object, got nothing'],
  ['Block', 'null', 'document: expected an object, got null'],
  ['Block', '[]', 'document: expected an object, got a list'],
  ['Block', '"text"', 'document: expected an object, got "text"'],
  ['Block', '{"cidr":', 'not JSON: expected a value, found the end of the text at line 1 column 9'],
  ['Block', '{}', 'cidr: expected a CIDR, got nothing'],
  ['Block', block({ cidr: '10.0.0.0' }), 'cidr: expected a CIDR, got "10.0.0.0"'],
  ['Block', block({ cidr: '10.0.0.0/33' }), 'cidr: expected a CIDR, got "10.0.0.0/33"'],
  ['Block', block({ cidr: '010.0.0.0/30' }), 'cidr: expected a CIDR, got "010.0.0.0/30"'],
  [
    'Block',
    block({ cidr: '10.0.0.4/30' }),
    'cidr: expected that of the key, 10.0.0.0/30, got "10.0.0.4/30"',
  ],
  ['Block', block({ affinity: 7 }), 'affinity: expected a non-empty string, got 7'],
  [
    'Block',
    block({ affinity_claim_time: 'yesterday' }),
    'affinity_claim_time: expected an RFC 3339 time, got "yesterday"',
  ],
  ['Block', block({ allocations: {} }), 'allocations: expected a list, got an object'],
  [
    'Block',
    block({ allocations: [null, '0'] }),
    'allocations[1]: expected null or an ordinal from 0 to 4095, got "0"',
  ],
  [
    'Block',
    block({ unallocated: [0, null] }),
    'unallocated[1]: expected an ordinal from 0 to 4095, got null',
  ],
  [
    'Block',
    block({ unallocated: [4096] }),
    'unallocated[0]: expected an ordinal from 0 to 4095, got 4096',
  ],
  ['Block', block({ attributes: [{}, 1] }), 'attributes[1]: expected an object, got 1'],
  [
    'Block',
    block({ attributes: [{ secondary: { node: 1 } }] }),
    'attributes[0].secondary["node"]: expected a string, got 1',
  ],
  [
    'Block',
    block({ attributes: [{ handle_id: 'x'.repeat(99), releasedAt: 1 }] }),
    'attributes[0].releasedAt: expected an RFC 3339 time, got 1',
  ],
  [
    'Block',
    block({ sequenceNumber: -1 }),
    'sequenceNumber: expected a whole number of 64 bits, got -1',
  ],
  [
    'Block',
    block({ sequenceNumber: 1.5 }),
    'sequenceNumber: expected a whole number of 64 bits, got 1.5',
  ],
  [
    'Block',
    block({}).replace('"sequenceNumber":1', '"sequenceNumber":18446744073709551616'),
    'sequenceNumber: expected a whole number of 64 bits, got 18446744073709551616',
  ],
  [
    'Block',
    block({ sequenceNumberForAllocation: { 3: 'x' } }),
    'sequenceNumberForAllocation["3"]: expected a whole number of 64 bits, got "x"',
  ],
  [
    'BlockAffinity',
    '{"state":"claimed"}',
    'state: expected one of "pending", "confirmed", "pendingDeletion", "", got "claimed"',
  ],
  ['Handle', '{}', 'block: expected an object of CIDR to number, got nothing'],
  [
    'Handle',
    '{"block":{"10.0.0.0":1}}',
    'block["10.0.0.0"]: expected a CIDR as key, got "10.0.0.0"',
  ],
  [
    'Handle',
    '{"block":{"10.0.0.0/30":-1}}',
    'block["10.0.0.0/30"]: expected a whole number from 0 to 9007199254740991, got -1',
  ],
  [
    'IPAMConfig',
    '{"ipCooldownSeconds":1201}',
    'ipCooldownSeconds: expected a whole number from 0 to 1200, got 1201',
  ],
  ['IPAMConfig', '{"strict_affinity":"yes"}', 'strict_affinity: expected true or false, got "yes"'],
  ['IPPool', '{}', 'spec.cidr: expected a CIDR, got nothing'],
  ['IPPool', '{"spec":[]}', 'spec: expected an object, got a list'],
  ['IPPool', '{"kind":"Pool","spec":{}}', 'kind: expected "IPPool", got "Pool"'],
  [
    'IPPool',
    '{"apiVersion":"v1","spec":{"cidr":"10.0.0.0/8"}}',
    'apiVersion: expected "projectcalico.org/v3", got "v1"',
  ],
  [
    'IPPool',
    spec({ cidr: '10.0.0.0/8', blockSize: 19 }),
    'spec.blockSize: expected a whole number from 20 to 32, got 19',
  ],
  [
    'IPPool',
    spec({ cidr: 'fd00::/64', blockSize: 26 }),
    'spec.blockSize: expected a whole number from 116 to 128, got 26',
  ],
  [
    'IPPool',
    spec({ cidr: '10.0.0.0/8', ipipMode: 'always' }),
    'spec.ipipMode: expected one of "Never", "Always", "CrossSubnet", "", got "always"',
  ],
  [
    'IPPool',
    spec({ cidr: 'x'.repeat(80) }),
    `spec.cidr: expected a CIDR, got "${'x'.repeat(59)}...`,
  ],
  ['Node', '{"metadata":{"labels":{"a":1}}}', 'metadata.labels["a"]: expected a string, got 1'],
  [
    'WorkloadEndpoint',
    spec({ ports: [{ name: 'a', protocol: 'TCP', port: 65536 }] }),
    'spec.ports[0].port: expected a whole number from 0 to 65535, got 65536',
  ],
  [
    'ClusterInformation',
    spec({ datastoreReady: 'true' }),
    'spec.datastoreReady: expected true or false, got "true"',
  ],
])('%s %s', (kind, text, message) => {
  const decoded = readEtcdText(kind, text, key as never)
  expect(isLeft(decoded) ? decoded.left : 'accepted').toBe(message)
})

describe('custom resources', () => {
  test.each([
    ['Handle', {}, 'metadata.name: expected a string, got nothing'],
    [
      'Handle',
      { metadata: { name: 'x' }, spec: {} },
      'spec.handleID: expected a non-empty string, got nothing',
    ],
    [
      'Handle',
      { metadata: { name: 'x', annotations: [] }, spec: { handleID: 'x', block: {} } },
      'metadata.annotations: expected an object of strings, got a list',
    ],
    [
      'IPAMConfig',
      { kind: 'IPAMConfiguration' },
      'kind: expected "IPAMConfig", got "IPAMConfiguration"',
    ],
  ] as const)('%s %j', (kind, object, message) => {
    const decoded = (v1Documents[kind] as APIDocument<object>).decode({
      spec: { handleID: 'h', block: {} },
      ...object,
    })
    expect(isLeft(decoded) ? decoded.left : 'accepted').toBe(message)
  })
})

describe('decodeDocument', () => {
  const pool = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'IPPool',
    metadata: { name: 'p' },
    spec: { cidr: '10.9.0.0/16' },
  }

  test('reads text and objects of every group by apiVersion and kind', () => {
    const config = { metadata: { name: 'default' }, spec: { autoAllocateBlocks: true } }
    const documents = [
      JSON.stringify(pool),
      { ...pool, apiVersion: 'crd.projectcalico.org/v1' },
      { ...config, apiVersion: 'projectcalico.org/v3', kind: 'IPAMConfiguration' },
      { ...config, apiVersion: 'crd.projectcalico.org/v1', kind: 'IPAMConfig' },
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } },
      { apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name: 'n' } },
      { apiVersion: 'harmonycloud.cn/v1alpha1', kind: 'ServiceIPPool', metadata: { name: 's' } },
    ]
    expect(documents.map((document) => decodeDocument(document).kind)).toEqual([
      'IPPool',
      'IPPool',
      'IPAMConfig',
      'IPAMConfig',
      'Node',
      'Node',
      'ServiceIPPool',
    ])
  })

  test.each([
    [
      '{',
      'not JSON: expected a key in double quotes, found the end of the text at line 1 column 2',
    ],
    ['7', 'document: expected an object, got 7'],
    ['{}', 'unknown kind undefined of apiVersion undefined'],
    [{ ...pool, spec: {} }, 'IPPool: spec.cidr: expected a CIDR, got nothing'],
    [{ ...pool, kind: 'Pod' }, 'unknown kind Pod of apiVersion projectcalico.org/v3'],
    [
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } },
      'kind: expected IPPool, got Node',
    ],
  ])('refuses %j', (document, message) => {
    expect(() => decodeIPPool(document)).toThrow(new InvalidDocument(message))
  })
})
