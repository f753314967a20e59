/** Values of every kind that suites write: unknown fields, 64-bit numbers, odd but legal text. */
import type { Key, Kind, Values } from '@hc-calico/ipam-core/ports'

export const handleKey = (id: string): Key<'Handle'> => ({ kind: 'Handle', id })
export const handle = (id: string, count = 1): Values['Handle'] => ({
  id,
  blocks: { '10.9.0.8/29': count },
})

export const blockKey = (cidr: string): Key<'Block'> => ({ kind: 'Block', cidr })
export const block = (cidr: string, sequenceNumber = 1785578400000000007n): Values['Block'] => ({
  cidr,
  affinity: 'host:n1',
  affinityClaimTime: '2026-08-01T10:00:00Z',
  allocations: [null, 0, null, null, null, null, null, null],
  unallocated: [0, 2, 3, 4, 5, 6, 7],
  attributes: [
    {
      handleID: 'k8s-pod-network.abc',
      secondary: { node: 'n1', note: 'ünïcode <&> "quoted"' },
      unknownFields: { addedLater: { deep: [1, 'two', null] } },
    },
  ],
  sequenceNumber,
  sequenceNumberForAllocation: { '1': 9223372036854775807n },
  unknownFields: { addedLater: 1234567890123456789n },
})

export const affinityKey = (host: string, cidr: string): Key<'BlockAffinity'> => ({
  kind: 'BlockAffinity',
  type: 'host',
  host,
  cidr,
})
export const affinity = (host: string, cidr: string): Values['BlockAffinity'] => ({
  type: 'host',
  host,
  cidr,
  state: 'confirmed',
})

export const pool = (name: string): Values['IPPool'] => ({
  name,
  cidr: '10.9.0.0/16',
  blockSize: 29,
  disabled: false,
  terminating: false,
  allocatable: true,
  nodeSelector: 'zone in {"a","b"} && has(x)',
  allowedUses: ['Workload', 'Tunnel'],
  assignmentMode: 'Automatic',
  ipipMode: 'Never',
  vxlanMode: 'Never',
  natOutgoing: true,
  disableBGPExport: false,
})

type Sample = { [K in Kind]: { readonly key: Key<K>; readonly value: Values[K] } }[Kind]

/** One object of every kind. */
export const samples: ReadonlyArray<Sample> = [
  { key: blockKey('10.9.0.8/29'), value: block('10.9.0.8/29') },
  { key: blockKey('fd80:24e2::/122'), value: { ...block('fd80:24e2::/122'), ...emptyBlock(64) } },
  { key: handleKey('k8s-pod-network.Abc'), value: handle('k8s-pod-network.Abc', 3) },
  { key: affinityKey('n1', '10.9.0.8/29'), value: affinity('n1', '10.9.0.8/29') },
  { key: { kind: 'IPPool', name: 'pool-1' }, value: pool('pool-1') },
  {
    key: { kind: 'IPReservation', name: 'kept' },
    value: { name: 'kept', reservedCIDRs: ['10.9.0.1/32', '10.9.1.0/24'] },
  },
  {
    key: { kind: 'IPAMConfig' },
    value: {
      strictAffinity: true,
      autoAllocateBlocks: true,
      maxBlocksPerHost: 7,
      ipCooldownSeconds: 30,
    },
  },
  { key: { kind: 'Node', name: 'n1' }, value: { name: 'n1', labels: { zone: 'a' } } },
  { key: { kind: 'ClusterInformation' }, value: { datastoreReady: true } },
  {
    key: { kind: 'Profile', name: 'net' },
    value: { name: 'net', labelsToApply: { net: '' }, ingressFrom: 'has(net)' },
  },
  {
    key: { kind: 'WorkloadEndpoint', namespace: 'shop', name: 'n--1-k8s-web--0-eth0' },
    value: {
      namespace: 'shop',
      name: 'n--1-k8s-web--0-eth0',
      labels: {
        app: 'web',
        'projectcalico.org/namespace': 'shop',
        'projectcalico.org/orchestrator': 'k8s',
      },
      orchestrator: 'k8s',
      node: 'n-1',
      containerID: 'c1',
      pod: 'web-0',
      endpoint: 'eth0',
      ipNetworks: ['10.9.0.9/32', 'fd00::9/128'],
      profiles: ['kns.shop'],
      interfaceName: 'cali0123456789a',
      mac: 'ee:ee:ee:ee:ee:ee',
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
      podUID: '9b2c',
    },
  },
]

function emptyBlock(size: number): Pick<Values['Block'], 'allocations' | 'unallocated'> & {
  readonly attributes: Values['Block']['attributes']
} {
  return {
    allocations: Array.from({ length: size }, () => null),
    unallocated: Array.from({ length: size }, (_, i) => i),
    attributes: [],
  }
}
