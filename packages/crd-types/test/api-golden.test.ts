// Custom resources of both API groups: what each one means, and that nothing of it is lost.
import { readdirSync, readFileSync } from 'node:fs'
import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { parseJSON, stringifyJSON } from '../src/json.ts'
import { type APIDocument, type APIKind, isTombstone, v1Documents } from '../src/v1/index.ts'
import { v3Documents } from '../src/v3/index.ts'

type Object = { metadata: { name: string; resourceVersion: string }; spec: { deleted?: unknown } }
type Document = APIDocument<object>

const groups = { v1: v1Documents, v3: v3Documents }
type Group = keyof typeof groups

const readObject = (group: Group, file: string): Object => {
  const url = new URL(`golden/${group}/${file}.json`, import.meta.url)
  return parseJSON(readFileSync(url, 'utf8')) as Object
}

const decode = (document: Document, object: unknown): object => {
  const decoded = document.decode(object)
  if (isLeft(decoded)) throw new Error(decoded.left)
  return decoded.right
}

/** A JSON text is the same whatever the order of the keys. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  )
}

const affinity = { type: 'host', host: 'node1', cidr: '10.9.0.0/26', state: 'confirmed' }

const goldens: ReadonlyArray<readonly [file: string, kind: APIKind, means: object]> = [
  [
    'block',
    'Block',
    {
      cidr: '10.9.0.8/29',
      affinity: 'host:n1',
      affinityClaimTime: '2026-08-01T10:00:00Z',
      sequenceNumber: 2n ** 63n - 1n,
      sequenceNumberForAllocation: { 1: 1785578400000000001n },
      attributes: [{ handleID: 'k8s-pod-network.abc', unknownFields: { later: { x: 1 } } }],
      unknownFields: {
        spec: { later: { big: 2n ** 53n + 1n } },
        metadata: { uid: '0c3ba0d9-2fb8-4a93-b3ab-000000000001', ownerReferences: [{ uid: 'u' }] },
      },
    },
  ],
  ['block-without-owner', 'Block', { cidr: 'fd80:24e2:f998:72d6::/127', attributes: [] }],
  ['affinity', 'BlockAffinity', affinity],
  [
    'affinity-tombstone',
    'BlockAffinity',
    { ...affinity, state: 'pendingDeletion', unknownFields: { spec: {} } },
  ],
  [
    'affinity-virtual',
    'BlockAffinity',
    { type: 'virtual', host: 'load-balancer', cidr: 'fd00::/122', state: 'pending' },
  ],
  ['handle', 'Handle', { id: 'k8s-pod-network.ABC', blocks: { 'fd00::/122': 1 } }],
  [
    'config',
    'IPAMConfig',
    {
      strictAffinity: true,
      autoAllocateBlocks: false,
      maxBlocksPerHost: 3,
      kubeVirtVMAddressPersistence: 'Enabled',
      ipCooldownSeconds: 30,
    },
  ],
  ['pool', 'IPPool', { name: 'default-ipv4-ippool', cidr: '10.9.0.0/16', allocatable: true }],
  ['reservation', 'IPReservation', { reservedCIDRs: ['10.9.0.1/32', '10.9.1.0/24'] }],
  ['cluster-information', 'ClusterInformation', { datastoreReady: true }],
]

describe.each(['v1', 'v3'] as const)('%s', (group) => {
  test.each(goldens)('%s', (file, kind, means) => {
    const document: Document = groups[group][kind] as Document
    const object = readObject(group, file)
    const value = decode(document, object)
    expect(value).toMatchObject(means)
    const { name, resourceVersion } = object.metadata
    expect(sorted(document.encode(value, { name, resourceVersion }))).toEqual(sorted(object))
  })

  test('every golden file is read by a test', () => {
    const files = readdirSync(new URL(`golden/${group}/`, import.meta.url))
    const others = { v1: ['affinity-unlabelled'], v3: ['config-empty'] }[group]
    const named = [...goldens.map(([file]) => file), ...others].map((file) => `${file}.json`)
    expect(files.sort()).toEqual(named.sort())
  })

  test('an object to be created carries nothing that only a server sets', () => {
    const block = decode(groups[group].Block as Document, readObject(group, 'block'))
    const { metadata } = (groups[group].Block as Document).encode(block, { name: 'new' })
    expect(Object.keys(metadata as object).sort()).toEqual([
      'annotations',
      'name',
      'ownerReferences',
    ])
  })

  test('tombstones are recognised, other objects are not', () => {
    const tombstones = goldens.map(([file]) => [file, isTombstone(readObject(group, file))])
    expect(tombstones.filter(([, is]) => is)).toEqual([['affinity-tombstone', true]])
  })

  test('lists that a schema requires are never null, and the flags are of the right type', () => {
    const block = { cidr: '10.0.0.0/30', allocations: [], unallocated: [], attributes: [] }
    const counters = { sequenceNumber: 1n, sequenceNumberForAllocation: {} }
    const { spec } = groups[group].Block.encode({ ...block, ...counters }, { name: 'x' })
    expect(stringifyJSON(spec)).toBe(
      '{"cidr":"10.0.0.0/30","allocations":[],"unallocated":[],"attributes":[],"sequenceNumber":1,' +
        '"sequenceNumberForAllocation":{},"deleted":false,"strictAffinity":false}',
    )
    const written = groups[group].BlockAffinity.encode(
      { type: 'host', host: 'n', cidr: '10.0.0.0/26', state: 'pending' },
      { name: 'x' },
    ) as Object
    expect(written.spec.deleted).toBe(group === 'v1' ? 'false' : false)
  })
})

test('an affinity of Calico up to v3.30 is of type host and gets its labels when written', () => {
  const object = readObject('v1', 'affinity-unlabelled')
  const value = decode(v1Documents.BlockAffinity as Document, object)
  expect(value).toMatchObject(affinity)
  const target = { name: object.metadata.name, resourceVersion: '4711' }
  expect((v1Documents.BlockAffinity as Document).encode(value, target)).toEqual(
    readObjectWithoutExtras(),
  )
})

const readObjectWithoutExtras = (): object => {
  const { metadata, ...rest } = readObject('v1', 'affinity')
  const { labels } = metadata as unknown as { labels: Record<string, string> }
  const { team: _, ...own } = labels
  return { ...rest, metadata: { name: metadata.name, resourceVersion: '4711', labels: own } }
}

test('what an absent autoAllocateBlocks means differs between the groups', () => {
  const object = readObject('v3', 'config-empty')
  expect(decode(v3Documents.IPAMConfig as Document, object)).toMatchObject({
    autoAllocateBlocks: true,
  })
  const v1 = { ...object, apiVersion: 'crd.projectcalico.org/v1', kind: 'IPAMConfig' }
  expect(decode(v1Documents.IPAMConfig as Document, v1)).toMatchObject({
    autoAllocateBlocks: false,
  })
})
