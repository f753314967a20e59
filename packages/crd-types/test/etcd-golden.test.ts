// Stored values in Calico's etcd form: what each one means, and that it comes back byte for byte.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { readEtcdText, writeEtcdText } from '../src/etcd/index.ts'
import type { PlainKind } from '../src/index.ts'

const folder = new URL('golden/etcd/', import.meta.url)
const bytesOf = (file: string): string => readFileSync(new URL(`${file}.json`, folder), 'utf8')

interface Golden {
  readonly kind: PlainKind
  readonly key: object
  readonly means: object
}

const ipv6 = { cidr: 'fd80:24e2:f998:72d6::/126' }
const affinityKey = { type: 'host', host: 'n1', cidr: '10.9.0.8/29' }

const goldens: Readonly<Record<string, Golden>> = {
  'block-two-addresses': {
    kind: 'Block',
    key: { cidr: '10.9.0.8/29' },
    means: {
      affinity: 'host:n1',
      affinityClaimTime: '2026-08-01T10:00:00Z',
      attributes: [
        { handleID: 'k8s-pod-network.abc', secondary: { pod: 'p1' } },
        { releasedAt: '2026-08-01T10:05:00Z' },
      ],
      sequenceNumber: 1785578400000000007n,
      sequenceNumberForAllocation: { 1: 1785578400000000001n },
    },
  },
  'block-fresh': {
    kind: 'Block',
    key: { cidr: '10.9.0.16/30' },
    means: { attributes: [], sequenceNumberForAllocation: {}, unallocated: [0, 1, 2, 3] },
  },
  'block-emptied-without-owner': {
    kind: 'Block',
    key: { cidr: '10.9.0.16/30' },
    means: { attributes: [], unallocated: [2, 3, 1, 0] },
  },
  'block-largest-integers': {
    kind: 'Block',
    key: { cidr: '10.9.0.32/28' },
    means: {
      sequenceNumber: 2n ** 63n - 1n,
      sequenceNumberForAllocation: { 0: 2n ** 63n - 2n, 10: 2n ** 64n - 1n, 2: 2n ** 53n + 1n },
    },
  },
  'block-unknown-fields': {
    kind: 'Block',
    key: { cidr: '10.9.0.20/31' },
    means: {
      attributes: [
        {
          handleID: 'h',
          alternateOwnerAttrs: { node: 'n2' },
          unknownFields: { shape: { round: true, weight: 12345678901234567890n } },
        },
      ],
      unknownFields: { coolness: [null, 2n ** 53n + 1n], nextField: { a: 2, b: 1 } },
    },
  },
  'block-ipv6': { kind: 'Block', key: ipv6, means: { sequenceNumber: 1785578400000000000n } },
  'block-ipv6-other-spelling': { kind: 'Block', key: ipv6, means: ipv6 },
  'block-legacy': {
    kind: 'Block',
    key: { cidr: '10.9.0.24/30' },
    means: {
      attributes: [{}],
      sequenceNumber: 0n,
      sequenceNumberForAllocation: {},
      unknownFields: { hostAffinity: 'old' },
    },
  },
  'block-null-counters': {
    kind: 'Block',
    key: { cidr: '10.9.0.24/31' },
    means: { sequenceNumber: 12n, sequenceNumberForAllocation: {} },
  },
  'affinity-confirmed': { kind: 'BlockAffinity', key: affinityKey, means: { state: 'confirmed' } },
  'affinity-tombstone': {
    kind: 'BlockAffinity',
    key: affinityKey,
    means: { state: 'pendingDeletion', unknownFields: { deleted: true } },
  },
  'affinity-empty-state': { kind: 'BlockAffinity', key: affinityKey, means: { state: '' } },
  'affinity-no-bytes': {
    kind: 'BlockAffinity',
    key: affinityKey,
    means: { ...affinityKey, state: '' },
  },
  'affinity-unknown-fields': {
    kind: 'BlockAffinity',
    key: affinityKey,
    means: { state: 'pending', unknownFields: { claimedBy: { a: 2n ** 53n + 1n } } },
  },
  'handle-dual-stack': {
    kind: 'Handle',
    key: { id: 'k8s-pod-network.abc' },
    means: { id: 'k8s-pod-network.abc', blocks: { '10.9.0.8/29': 1, 'fd00::/122': 1 } },
  },
  'handle-ipv6-other-spelling': {
    kind: 'Handle',
    key: { id: 'h' },
    means: { blocks: { '10.9.0.8/29': 1, 'fd00::/122': 2 } },
  },
  'handle-unknown-fields': {
    kind: 'Handle',
    key: { id: 'h' },
    means: { blocks: {}, unknownFields: { owner: 'x' } },
  },
  'config-nothing-written': {
    kind: 'IPAMConfig',
    key: {},
    means: {
      strictAffinity: false,
      autoAllocateBlocks: false,
      maxBlocksPerHost: 0,
      ipCooldownSeconds: 0,
    },
  },
  'config-usual': { kind: 'IPAMConfig', key: {}, means: { autoAllocateBlocks: true } },
  'config-everything': {
    kind: 'IPAMConfig',
    key: {},
    means: {
      strictAffinity: true,
      maxBlocksPerHost: 4,
      kubeVirtVMAddressPersistence: 'Disabled',
      ipCooldownSeconds: 1200,
      unknownFields: { later: { x: 1 } },
    },
  },
  'pool-full': {
    kind: 'IPPool',
    key: { name: 'rack-1' },
    means: {
      blockSize: 28,
      disabled: true,
      allocatable: false,
      terminating: false,
      nodeSelector: 'rack == "1" && !has(gpu)',
      namespaceSelector: "team == 'x'",
      allowedUses: ['Workload'],
      assignmentMode: 'Manual',
      unknownFields: { spec: { later: { z: 1, a: 2 } } },
    },
  },
  'pool-usual': {
    kind: 'IPPool',
    key: { name: 'default-ipv4-ippool' },
    means: { allocatable: true, disabled: false, natOutgoing: true, ipipMode: 'Always' },
  },
  'pool-terminating': {
    kind: 'IPPool',
    key: { name: 'going' },
    means: { terminating: true, blockSize: 122 },
  },
  'pool-by-hand': {
    kind: 'IPPool',
    key: { name: 'by-hand' },
    means: { cidr: '10.8.0.0/16', blockSize: 26, nodeSelector: 'all()', vxlanMode: 'Never' },
  },
  reservation: {
    kind: 'IPReservation',
    key: { name: 'routers' },
    means: { reservedCIDRs: ['10.9.0.1', ' 10.9.1.0/24 ', 'FD00::1/128', 'not a cidr'] },
  },
  node: {
    kind: 'Node',
    key: { name: 'n1' },
    means: { labels: { rack: '1' }, unknownFields: { spec: { bgp: { asNumber: 64512 } } } },
  },
  'workload-endpoint': {
    kind: 'WorkloadEndpoint',
    key: { namespace: 'shop', name: 'n--1-k8s-web--0-eth0' },
    means: {
      namespace: 'shop',
      pod: 'web-0',
      podUID: '7f1e',
      generateName: 'web-',
      ipNetworks: ['10.9.0.9/32', 'fd00::1/128'],
      ports: [{ name: 'http', port: 80, hostPort: 8080 }],
      unknownFields: { spec: { ipv4Gateway: '169.254.1.1' } },
    },
  },
  'cluster-information': {
    kind: 'ClusterInformation',
    key: {},
    means: { datastoreReady: true, calicoVersion: 'v3.32.1' },
  },
  'cluster-information-silent': { kind: 'ClusterInformation', key: {}, means: {} },
  'profile-from-the-plugin': {
    kind: 'Profile',
    key: { name: 'net1' },
    means: { labelsToApply: { net1: '' }, ingressFrom: 'has(net1)' },
  },
  'profile-edited': { kind: 'Profile', key: { name: 'net2' }, means: { ingressFrom: 'has(net2)' } },
}

const readGolden = (file: string): object => {
  const { kind, key } = goldens[file] as Golden
  const decoded = readEtcdText(kind, bytesOf(file), key as never)
  if (isLeft(decoded)) throw new Error(decoded.left)
  return decoded.right
}

describe.each(Object.entries(goldens))('%s', (file, { kind, means }) => {
  test('means what it says', () => {
    expect(readGolden(file)).toMatchObject(means)
  })

  test('comes back as Calico would write it', () => {
    const rewritten = existsSync(new URL(`${file}.rewritten.json`, folder))
    const expected = bytesOf(rewritten ? `${file}.rewritten` : file)
    expect(writeEtcdText(kind, readGolden(file) as never)).toBe(expected)
  })
})

test('every golden file is in the table', () => {
  const files = readdirSync(folder).map((file) => file.replace(/(\.rewritten)?\.json$/, ''))
  expect([...new Set(files)].sort()).toEqual(Object.keys(goldens).sort())
})

test('a block without owner has no affinity, one without claim time no claim time', () => {
  const block = readGolden('block-emptied-without-owner')
  expect(block).not.toHaveProperty('affinity')
  expect(block).not.toHaveProperty('affinityClaimTime')
})

test('a datastore that does not say that it is ready is not ready', () => {
  expect(readGolden('cluster-information-silent')).not.toHaveProperty('datastoreReady')
})
