// Calico's etcd keys, golden and as a law; what is no key of ours is skipped.
import type { Key, Kind, List } from '@hc-calico/ipam-core/ports'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { etcdKey, listRange, parseEtcdKey } from '../src/keys.ts'

const ipam = '/calico/ipam/v2'
const resources = '/calico/resources/v3/projectcalico.org'

const golden: ReadonlyArray<readonly [Key, string]> = [
  [{ kind: 'Block', cidr: '10.0.0.0/26' }, `${ipam}/assignment/ipv4/block/10.0.0.0-26`],
  [
    { kind: 'Block', cidr: 'fd80:24e2:f998:72d6::/122' },
    `${ipam}/assignment/ipv6/block/fd80:24e2:f998:72d6::-122`,
  ],
  [
    { kind: 'BlockAffinity', type: 'host', host: 'n-1.example', cidr: '192.168.1.64/26' },
    `${ipam}/host/n-1.example/ipv4/block/192.168.1.64-26`,
  ],
  [
    {
      kind: 'BlockAffinity',
      type: 'virtual',
      host: 'load-balancer',
      cidr: 'fe80:ba:ad:beef::/122',
    },
    `${ipam}/virtual/load-balancer/ipv6/block/fe80:ba:ad:beef::-122`,
  ],
  [{ kind: 'Handle', id: 'k8s-pod-network.3F0c' }, `${ipam}/handle/k8s-pod-network.3F0c`],
  [{ kind: 'IPAMConfig' }, `${ipam}/config`],
  [{ kind: 'IPPool', name: 'default-ipv4-ippool' }, `${resources}/ippools/default-ipv4-ippool`],
  [{ kind: 'IPReservation', name: 'r' }, `${resources}/ipreservations/r`],
  [{ kind: 'Node', name: 'Node.One' }, `${resources}/nodes/Node.One`],
  [{ kind: 'Profile', name: 'kns.default' }, `${resources}/profiles/kns.default`],
  [{ kind: 'ClusterInformation' }, `${resources}/clusterinformations/default`],
  [
    { kind: 'WorkloadEndpoint', namespace: 'default', name: 'n--1-k8s-web--0-eth0' },
    `${resources}/workloadendpoints/default/n--1-k8s-web--0-eth0`,
  ],
]

test.each(golden)('%j', (key, text) => {
  expect(etcdKey(key)).toBe(text)
  expect(parseEtcdKey(key.kind, text)).toEqual(key)
})

test('every key comes back from its text, and its kind’s list holds it', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$/)
  const cidr = fc.oneof(
    fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.${a}.${b}.0/26`),
    fc.nat(0xffff).map((n) => `fd00:${(n || 1).toString(16)}::/122`),
  )
  const keys: fc.Arbitrary<Key> = fc.oneof(
    cidr.map((one) => ({ kind: 'Block', cidr: one }) as const),
    fc.record({
      kind: fc.constant('BlockAffinity' as const),
      type: fc.constantFrom('host' as const, 'virtual' as const),
      host: name,
      cidr,
    }),
    name.map((id) => ({ kind: 'Handle', id }) as const),
    fc.record({ kind: fc.constant('WorkloadEndpoint' as const), namespace: name, name }),
    fc.record({
      kind: fc.constantFrom('IPPool' as const, 'Node' as const, 'Profile' as const),
      name,
    }),
  )
  fc.assert(
    fc.property(keys, (key) => {
      const text = etcdKey(key)
      expect(parseEtcdKey(key.kind, text)).toEqual(key)
      const { key: first, end = '' } = listRange({ list: key.kind } as List)
      expect(first <= text && text < end).toBe(true)
    }),
  )
})

describe('somebody else’s keys below the same prefix are skipped', () => {
  test.each<[Kind, string]>([
    ['BlockAffinity', `${ipam}/host/n1`],
    ['BlockAffinity', `${ipam}/host/n1/ipv4/block/10.0.0.0`],
    ['BlockAffinity', `${ipam}/host/n1/ipv6/block/10.0.0.0-26`],
    ['BlockAffinity', `${ipam}/other/n1/ipv4/block/10.0.0.0-26`],
    ['Block', `${ipam}/assignment/ipv4/block/`],
    ['Block', `${ipam}/assignment/ipv4/block/10.0.0.0-26/x`],
    ['Block', `${ipam}/assignment/ipv6/block/10.0.0.0-26`],
    ['Handle', `${ipam}/handle/`],
    ['Handle', `${ipam}/handle/a/b`],
    ['IPAMConfig', `${ipam}/config2`],
    ['WorkloadEndpoint', `${resources}/workloadendpoints/default`],
    ['Node', `${resources}/nodes/a/b`],
    ['ClusterInformation', `${resources}/clusterinformations/other`],
  ])('%s %s', (kind, text) => expect(parseEtcdKey(kind, text)).toBeUndefined())
})

describe('names that no key can hold are refused', () => {
  test.each<[Key, string]>([
    [{ kind: 'Handle', id: '' }, 'Handle() cannot be stored: "" is empty or has a slash'],
    [{ kind: 'Handle', id: 'a/b' }, 'Handle(a/b) cannot be stored: "a/b" is empty or has a slash'],
    [{ kind: 'Node', name: '../x' }, 'Node(../x) cannot be stored: "../x" is empty or has a slash'],
    [
      { kind: 'BlockAffinity', type: 'host', host: 'a/b', cidr: '10.0.0.0/26' },
      'BlockAffinity(host:a/b, 10.0.0.0/26) cannot be stored: "a/b" is empty or has a slash',
    ],
  ])('%j', (key, message) => expect(() => etcdKey(key)).toThrow(message))
})

describe('lists', () => {
  test.each<[List, { key: string; end?: string }]>([
    [{ list: 'Block' }, { key: `${ipam}/assignment/`, end: `${ipam}/assignment0` }],
    [
      { list: 'Block', where: { family: 6 } },
      { key: `${ipam}/assignment/ipv6/block/`, end: `${ipam}/assignment/ipv6/block0` },
    ],
    [
      { list: 'BlockAffinity', where: { type: 'host', host: 'node1' } },
      { key: `${ipam}/host/node1/`, end: `${ipam}/host/node10` },
    ],
    [
      { list: 'BlockAffinity', where: { type: 'host', host: 'n', family: 4 } },
      { key: `${ipam}/host/n/ipv4/block/`, end: `${ipam}/host/n/ipv4/block0` },
    ],
    [
      { list: 'BlockAffinity', where: {} },
      { key: `${ipam}/host/`, end: `${ipam}/virtual0` },
    ],
    [{ list: 'IPAMConfig' }, { key: `${ipam}/config` }],
    [
      { list: 'WorkloadEndpoint', where: { namespace: 'd', namePrefix: 'n-k8s-p-' } },
      {
        key: `${resources}/workloadendpoints/d/n-k8s-p-`,
        end: `${resources}/workloadendpoints/d/n-k8s-p.`,
      },
    ],
  ])('%j', (query, range) => expect(listRange(query)).toEqual(range))
})
