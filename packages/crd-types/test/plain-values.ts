// Generators of plain values, one per kind, for the laws.
import fc from 'fast-check'
import type { PlainKind, PlainTypes, UnknownFields } from '../src/index.ts'
import { parseJSON, stringifyJSON } from '../src/json.ts'

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
const word = fc.string({ minLength: 1, maxLength: 12 })
const texts = fc.dictionary(word, fc.string({ maxLength: 12 }), { maxKeys: 4 })
const time = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString().replace(/\.\d+/, ''))
const cidr4 = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(15))
  .map(([a, b, c]) => `${a}.${b}.${c * 16}.0/20`)
const cidr6 = fc.nat(0xfffe).map((group) => `fd00:${(group + 1).toString(16)}::/116`)
const cidr = fc.oneof(cidr4, cidr6)

/** A JSON value as a newer Calico might store it and parseJSON reads it, 64-bit integers included. */
const later = fc
  .oneof(fc.jsonValue({ maxDepth: 2 }), uint64)
  .filter((value) => value !== null)
  .map((value) => parseJSON(stringifyJSON(value)))
const laterFields = fc.dictionary(name, later, { minKeys: 1, maxKeys: 3 }).map(prefixed)
function prefixed(fields: Record<string, unknown>): UnknownFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [`later-${key}`, value]))
}

const flat = fc.option(
  laterFields.map((unknownFields) => ({ unknownFields })),
  { nil: {} },
)
const inResource = fc.option(
  fc
    .record({ metadata: laterFields, spec: laterFields }, { requiredKeys: [] })
    .filter((parts) => Object.keys(parts).length > 0)
    .map((unknownFields) => ({ unknownFields })),
  { nil: {} },
)

/** An optional field is absent, never undefined. */
const optional = <K extends string, V>(key: K, value: fc.Arbitrary<V>): fc.Arbitrary<object> =>
  fc.option(
    value.map((present) => ({ [key]: present })),
    { nil: {} },
  )

const merged = <T>(...parts: ReadonlyArray<fc.Arbitrary<object>>): fc.Arbitrary<T> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as T)

const attribute = merged(
  optional('handleID', word),
  optional('secondary', texts),
  optional('alternateOwnerAttrs', texts),
  optional('releasedAt', time),
  flat,
)

const ordinal = fc.nat(4095)
const mode = fc.constantFrom('Never', 'Always', 'CrossSubnet')
const uses = fc.uniqueArray(fc.constantFrom('Workload', 'Tunnel', 'LoadBalancer'), { minLength: 1 })
const port = merged(
  fc.record({ name: word, protocol: fc.constantFrom('TCP', 'UDP'), port: fc.nat(65535) }),
  optional('hostPort', fc.nat(65535)),
  optional('hostIP', word),
)
const someTexts = fc.array(word, { minLength: 1, maxLength: 3 })
const nat = fc.record({ internalIP: word, externalIP: word })

type Generators = { readonly [K in PlainKind]: fc.Arbitrary<PlainTypes[K]> }

export const plainValues: Generators = {
  Block: merged(
    fc.record({
      cidr,
      allocations: fc.array(fc.option(ordinal)),
      unallocated: fc.array(ordinal),
      attributes: fc.array(attribute, { maxLength: 3 }),
      sequenceNumber: uint64,
      sequenceNumberForAllocation: fc.dictionary(ordinal.map(String), uint64),
    }),
    optional('affinity', word),
    optional('affinityClaimTime', time),
    flat,
  ),
  BlockAffinity: merged(
    fc.record({
      type: fc.constantFrom('host', 'virtual'),
      host: name,
      cidr,
      state: fc.constantFrom('pending', 'confirmed', 'pendingDeletion', ''),
    }),
    flat,
  ),
  Handle: merged(fc.record({ id: word, blocks: fc.dictionary(cidr, fc.nat()) }), flat),
  IPAMConfig: merged(
    fc.record({
      strictAffinity: fc.boolean(),
      autoAllocateBlocks: fc.boolean(),
      maxBlocksPerHost: fc.nat(2147483647),
      ipCooldownSeconds: fc.nat(1200),
    }),
    optional('kubeVirtVMAddressPersistence', fc.constantFrom('Enabled', 'Disabled')),
    flat,
  ),
  IPPool: merged(
    fc.record({ name, disabled: fc.boolean(), terminating: fc.boolean() }),
    fc.record({ allocatable: fc.boolean(), nodeSelector: word, allowedUses: uses }),
    fc.record({ ipipMode: mode, vxlanMode: mode, natOutgoing: fc.boolean() }),
    fc.record({ disableBGPExport: fc.boolean() }),
    fc.record({ assignmentMode: fc.constantFrom('Automatic', 'Manual') }),
    fc.oneof(
      fc.record({ cidr: cidr4, blockSize: fc.integer({ min: 20, max: 32 }) }),
      fc.record({ cidr: cidr6, blockSize: fc.integer({ min: 116, max: 128 }) }),
    ),
    optional('namespaceSelector', word),
    inResource,
  ),
  IPReservation: merged(
    fc.record({ name, reservedCIDRs: fc.array(fc.oneof(cidr, word)) }),
    inResource,
  ),
  Node: merged(fc.record({ name, labels: texts }), inResource),
  ClusterInformation: merged(
    optional('datastoreReady', fc.boolean()),
    optional('clusterGUID', word),
    optional('calicoVersion', word),
    inResource,
  ),
  Profile: merged(
    fc.record({ name, labelsToApply: texts }),
    optional('ingressFrom', word),
    inResource,
  ),
  WorkloadEndpoint: merged(
    fc.record({ namespace: name, name, labels: texts, orchestrator: name, node: name }),
    fc.record({ endpoint: name, ipNetworks: fc.array(cidr), profiles: fc.array(word) }),
    optional('generateName', word),
    optional('workload', word),
    optional('containerID', word),
    optional('pod', word),
    optional('serviceAccountName', word),
    optional('ipNATs', fc.array(nat, { minLength: 1, maxLength: 2 })),
    optional('interfaceName', word),
    optional('mac', word),
    optional('ports', fc.array(port, { minLength: 1, maxLength: 2 })),
    optional('allowSpoofedSourcePrefixes', someTexts),
    optional('podUID', word),
    inResource,
  ),
}

/** The same values with unknown fields where a custom resource has them. */
export const inResourceForm = (value: { readonly unknownFields?: UnknownFields }): object => {
  const { unknownFields, ...rest } = value
  const nested =
    unknownFields !== undefined && !('spec' in unknownFields || 'metadata' in unknownFields)
  return nested ? { ...rest, unknownFields: { spec: unknownFields } } : value
}
