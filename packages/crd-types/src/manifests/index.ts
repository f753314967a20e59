/**
 * CustomResourceDefinitions of the kinds the allocator stores, for both of Calico's API groups and
 * for harmonycloud.cn. They may be applied over Calico's own: names, types, defaults and required
 * fields are the same, and nothing Calico writes is refused or pruned.
 */
import { stringifyJSON } from '../json.ts'
import {
  type CustomResourceDefinition,
  customResourceDefinition,
  type KindDefinition,
  type PrinterColumn,
} from './definition.ts'
import { ipPoolSpec, ipPoolStatus } from './ip-pool.ts'
import {
  blockAffinitySpec,
  blockSpec,
  clusterInformationSpec,
  configSpec,
  type Group,
  handleSpec,
  reservationSpec,
} from './ipam.ts'
import { serviceIPPool } from './service-ip-pool.ts'

export type { CustomResourceDefinition } from './definition.ts'

const column = (
  name: string,
  type: PrinterColumn['type'],
  jsonPath: string,
  description: string,
): PrinterColumn => ({ name, type, jsonPath, description })

const allocatable = ".status.conditions[?(@.type=='Allocatable')].status"

/** As in Calico, only the newer group has columns and short names. */
const columns: Readonly<Record<string, ReadonlyArray<PrinterColumn>>> = {
  IPPool: [
    column('CIDR', 'string', '.spec.cidr', 'The range'),
    column('VXLAN', 'string', '.spec.vxlanMode', 'VXLAN encapsulation'),
    column('IPIP', 'string', '.spec.ipipMode', 'IPIP encapsulation'),
    column('NAT', 'boolean', '.spec.natOutgoing', 'Outgoing packets are translated'),
    column('Allocatable', 'string', allocatable, 'Addresses can be taken'),
    column('Age', 'date', '.metadata.creationTimestamp', 'Age of the pool'),
  ],
  IPAMBlock: [
    column('CIDR', 'string', '.spec.cidr', 'The block'),
    column('Affinity', 'string', '.spec.affinity', 'Its owner'),
    column('ClaimTime', 'date', '.spec.affinityClaimTime', 'When the owner claimed it'),
  ],
  BlockAffinity: [
    column('CIDR', 'string', '.spec.cidr', 'The block'),
    column('Node', 'string', '.spec.node', 'Its owner'),
    column('Type', 'string', '.spec.type', 'Kind of owner'),
  ],
  IPAMHandle: [column('ID', 'string', '.spec.handleID', 'The handle')],
  IPAMConfiguration: [
    column('StrictAffinity', 'boolean', '.spec.strictAffinity', 'Borrowing is forbidden'),
    column('MaxBlocksPerHost', 'integer', '.spec.maxBlocksPerHost', 'Blocks per node'),
    column('AutoAllocateBlocks', 'boolean', '.spec.autoAllocateBlocks', 'Nodes claim blocks'),
  ],
  ClusterInformation: [
    column('Version', 'string', '.spec.calicoVersion', 'Version of Calico'),
    column('Ready', 'boolean', '.spec.datastoreReady', 'The datastore may be used'),
    column('Types', 'string', '.spec.clusterType', 'Kind of cluster'),
  ],
}

const shortNames: Readonly<Record<string, ReadonlyArray<string>>> = {
  BlockAffinity: ['affinity', 'affinities'],
  IPAMConfiguration: ['ipamconfig', 'ipamconfigs'],
  ClusterInformation: ['clusterinfo', 'clusterinfos'],
}

const calicoKind = (
  group: Group,
  kind: string,
  plural: string,
  parts: Pick<KindDefinition, 'description' | 'spec' | 'status'>,
): KindDefinition => {
  const named = { kind, plural, scope: 'Cluster', ...parts } as const
  if (group === 'v1') return named
  const [short, printed] = [shortNames[kind], columns[kind]]
  return {
    ...named,
    required: ['metadata', 'spec'],
    ...(short === undefined ? {} : { shortNames: short }),
    ...(printed === undefined ? {} : { columns: printed }),
  }
}

const calicoKinds = (group: Group): ReadonlyArray<KindDefinition> => [
  calicoKind(group, 'IPPool', 'ippools', {
    description: 'A range of addresses.',
    spec: ipPoolSpec,
    status: ipPoolStatus,
  }),
  calicoKind(group, 'IPReservation', 'ipreservations', {
    description: 'Addresses kept out of automatic assignment.',
    spec: reservationSpec,
  }),
  calicoKind(group, 'IPAMBlock', 'ipamblocks', {
    description: 'A block of addresses.',
    spec: blockSpec(group),
  }),
  calicoKind(group, 'BlockAffinity', 'blockaffinities', {
    description: 'The owner of a block.',
    spec: blockAffinitySpec(group),
  }),
  calicoKind(group, 'IPAMHandle', 'ipamhandles', {
    description: 'The addresses of one owner.',
    spec: handleSpec,
  }),
  group === 'v1'
    ? calicoKind(group, 'IPAMConfig', 'ipamconfigs', {
        description: 'Settings of address management.',
        spec: configSpec(group),
      })
    : calicoKind(group, 'IPAMConfiguration', 'ipamconfigurations', {
        description: 'Settings of address management.',
        spec: configSpec(group),
      }),
  calicoKind(group, 'ClusterInformation', 'clusterinformations', {
    description: 'Facts about the cluster.',
    spec: clusterInformationSpec,
  }),
]

const definitions = (
  group: string,
  version: string,
  kinds: ReadonlyArray<KindDefinition>,
): ReadonlyArray<CustomResourceDefinition> =>
  kinds.map((kind) => customResourceDefinition(group, version, kind))

/** Definitions by the API group they define. */
export const manifests: {
  readonly 'crd.projectcalico.org/v1': ReadonlyArray<CustomResourceDefinition>
  readonly 'projectcalico.org/v3': ReadonlyArray<CustomResourceDefinition>
  readonly 'harmonycloud.cn/v1alpha1': ReadonlyArray<CustomResourceDefinition>
} = {
  'crd.projectcalico.org/v1': definitions('crd.projectcalico.org', 'v1', calicoKinds('v1')),
  'projectcalico.org/v3': definitions('projectcalico.org', 'v3', calicoKinds('v3')),
  'harmonycloud.cn/v1alpha1': definitions('harmonycloud.cn', 'v1alpha1', [serviceIPPool]),
}

/** Definitions as one text for `kubectl apply -f -`: a stream of JSON documents, which YAML allows. */
export const manifestText = (list: ReadonlyArray<CustomResourceDefinition>): string =>
  list.map((definition) => `---\n${stringifyJSON(definition, { indentSpaces: 2 })}\n`).join('')
