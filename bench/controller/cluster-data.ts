/**
 * A cluster that exists only as data: nodes, the pods on them, and the blocks, affinities and
 * handles that their addresses stand in, as they would be stored. Everything follows from numbers,
 * so that nothing has to be kept in memory to be served.
 */
import { stringifyJSON } from '@hc-calico/crd-types/json'
import { type APIKind, v1Documents } from '@hc-calico/crd-types/v1'
import type { Values } from '@hc-calico/ipam-core/ports'

export interface ClusterSize {
  readonly nodes: number
  readonly podsPerNode: number
}

export const poolCount = 16
const poolFirstOctet = 10
const poolFirstSecondOctet = 64
const blockAddresses = 64
/** Blocks of a /14. */
const blocksPerPool = 4096

export const namespaceCount = 200
/** Every tenth pod names a service; so many services share them. */
export const serviceCount = 200
const serviceEvery = 10

export const blocksPerNode = ({ podsPerNode }: ClusterSize): number =>
  Math.ceil(podsPerNode / blockAddresses)

export const nodeName = (node: number): string => `worker-${String(node).padStart(5, '0')}`
export const poolName = (pool: number): string => `pool-${pool}`
/** A /14 each, from 10.64.0.0 on. */
export const poolCIDR = (pool: number): string =>
  `${poolFirstOctet}.${poolFirstSecondOctet + pool * 4}.0.0/14`

/** Nodes in turn take blocks of the pools in turn. */
const blockBase = (block: number): readonly [number, number, number, number] => {
  const pool = block % poolCount
  const inPool = Math.floor(block / poolCount) % blocksPerPool
  const offset = inPool * blockAddresses
  const second = poolFirstSecondOctet + pool * 4 + (offset >> 16)
  return [poolFirstOctet, second, (offset >> 8) & 255, offset & 255]
}

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0')

export interface PodPlace {
  readonly namespace: string
  readonly name: string
  readonly node: string
  readonly ip: string
  readonly uid: string
  readonly handleID: string
  /** Index of the service it names. */
  readonly service: number | undefined
}

/** Pod `slot` of a node. */
export const podAt = (size: ClusterSize, node: number, slot: number): PodPlace => {
  const pod = node * size.podsPerNode + slot
  const block = node * blocksPerNode(size) + Math.floor(slot / blockAddresses)
  const [a, b, c, d] = blockBase(block)
  return {
    namespace: `team-${pod % namespaceCount}`,
    name: `app-${pod % 997}-${hex(pod, 8)}-${hex((pod * 2_654_435_761) % 2 ** 20, 5)}`,
    node: nodeName(node),
    ip: `${a}.${b}.${c}.${d + (slot % blockAddresses)}`,
    uid: `00000000-0000-4000-8000-${hex(pod, 12)}`,
    handleID: `k8s-pod-network.${hex(pod, 8).repeat(8)}`,
    service: pod % serviceEvery === 0 ? Math.floor(pod / serviceEvery) % serviceCount : undefined,
  }
}

/** Allocations of a running cluster carry what Calico's plugin writes. */
const attributeOf = ({ handleID, namespace, node, name }: PodPlace) => ({
  handleID,
  secondary: { namespace, node, pod: name, timestamp: '2026-01-01 00:00:00.123456789 +0000 UTC' },
})

const firstSequenceNumber = 1_800_000_000_000_000_000n

const blockAt = (size: ClusterSize, node: number, part: number): Values['Block'] => {
  const [a, b, c, d] = blockBase(node * blocksPerNode(size) + part)
  const first = part * blockAddresses
  const used = Math.min(blockAddresses, size.podsPerNode - first)
  const ordinals = Array.from({ length: blockAddresses }, (_, ordinal) => ordinal)
  const taken = ordinals.slice(0, used)
  return {
    cidr: `${a}.${b}.${c}.${d}/26`,
    affinity: `host:${nodeName(node)}`,
    allocations: ordinals.map((ordinal) => (ordinal < used ? ordinal : null)),
    unallocated: ordinals.slice(used),
    attributes: taken.map((ordinal) => attributeOf(podAt(size, node, first + ordinal))),
    sequenceNumber: firstSequenceNumber + BigInt(used),
    sequenceNumberForAllocation: Object.fromEntries(
      taken.map((ordinal) => [String(ordinal), firstSequenceNumber + BigInt(ordinal)]),
    ),
  }
}

const poolAt = (pool: number): Values['IPPool'] => ({
  ...{ name: poolName(pool), cidr: poolCIDR(pool), blockSize: 26, disabled: false },
  ...{ terminating: false, allocatable: true, nodeSelector: 'all()' },
  ...{ allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic', ipipMode: 'Never' },
  ...{ vxlanMode: 'Never', natOutgoing: true, disableBGPExport: false },
})

export interface StoredObject {
  /** Key of the API server in its etcd. */
  readonly key: string
  readonly text: string
}

const plurals: Readonly<Partial<Record<APIKind, string>>> = {
  IPPool: 'ippools',
  Block: 'ipamblocks',
  BlockAffinity: 'blockaffinities',
  Handle: 'ipamhandles',
}

let made = 0

/** As the API server stores a custom resource: its JSON, with what the server adds. */
const stored = <K extends APIKind>(kind: K, name: string, value: Values[K]): StoredObject => {
  made += 1
  const document = v1Documents[kind]
  const object = document.encode(value as never, { name })
  const metadata = {
    ...(object.metadata as object),
    name,
    uid: `10000000-0000-4000-8000-${hex(made, 12)}`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    generation: 1,
  }
  const text = stringifyJSON({ ...object, metadata })
  return { key: `/registry/crd.projectcalico.org/${plurals[kind]}/${name}`, text }
}

const dashed = (cidr: string): string => cidr.replace(/[./]/g, '-')

/** Everything that Calico's resources say about the cluster. */
export function* storedObjects(size: ClusterSize): Generator<StoredObject> {
  for (let pool = 0; pool < poolCount; pool += 1)
    yield stored('IPPool', poolName(pool), poolAt(pool))
  for (let node = 0; node < size.nodes; node += 1) {
    for (let part = 0; part < blocksPerNode(size); part += 1) {
      const block = blockAt(size, node, part)
      const { cidr } = block
      const host = nodeName(node)
      yield stored('Block', dashed(cidr), block)
      const affinity = { type: 'host', host, cidr, state: 'confirmed' } as const
      yield stored('BlockAffinity', `${host}-${dashed(cidr)}`, affinity)
      for (const { handleID } of block.attributes) {
        const id = handleID as string
        yield stored('Handle', id, { id, blocks: { [cidr]: 1 } })
      }
    }
  }
}
