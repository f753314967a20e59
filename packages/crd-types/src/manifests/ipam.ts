/**
 * The objects the allocator itself keeps: blocks, affinities, handles, configuration. The two API
 * groups differ where upstream's do: the affinity's `deleted`, defaults, formats and bounds.
 */
import {
  array,
  boolean,
  int64,
  integer,
  mapOf,
  object,
  type Schema,
  string,
  words,
} from './schema.ts'

export type Group = 'v1' | 'v3'

/** Written to mark an object deleted before it is removed; readers take it for absent. */
const deleted = boolean('The object is being deleted and counts as absent.')

const atomic = (group: Group): Schema =>
  group === 'v1' ? {} : { 'x-kubernetes-list-type': 'atomic' }

const attribute: Schema = object({
  description: 'What is known of the addresses of one allocation.',
  properties: {
    handle_id: string('The handle that owns the addresses.'),
    secondary: mapOf('Attributes of the active owner.', { type: 'string' }),
    alternateOwnerAttrs: mapOf('Attributes of the second owner during a live migration.', {
      type: 'string',
    }),
    releasedAt: string('When the address was released; it rests until it may be given out again.', {
      format: 'date-time',
    }),
  },
})

export const blockSpec = (group: Group): Schema =>
  object({
    description: 'A block of addresses, the unit of compare-and-set.',
    properties: {
      cidr: string('The block.', group === 'v1' ? {} : { format: 'cidr' }),
      affinity: string(
        'Who owns the block, host:NODE or virtual:NAME; absent when no one does.',
        group === 'v1' ? {} : { pattern: '^(host|virtual):[a-zA-Z0-9\\.\\-_]+$' },
      ),
      affinityClaimTime: string('When the owner claimed the block.', { format: 'date-time' }),
      allocations: array(
        'Per address, the index of its attributes, or null when it is free.',
        { type: 'integer', nullable: true },
        atomic(group),
      ),
      unallocated: array(
        'Free ordinals, the next one to be given out first.',
        { type: 'integer' },
        atomic(group),
      ),
      attributes: array('What allocations index.', attribute, atomic(group)),
      sequenceNumber: int64('Grows by one with every write of the block.', { default: 0 }),
      sequenceNumberForAllocation: mapOf(
        'Per ordinal, the sequence number when it was last given out or released.',
        { type: 'integer', format: 'int64' },
      ),
      deleted,
      strictAffinity: boolean('Not used any more; see the IPAM configuration.'),
    },
    required: ['allocations', 'attributes', 'cidr', 'strictAffinity', 'unallocated'],
  })

export const blockAffinitySpec = (group: Group): Schema =>
  object({
    description: 'The statement that a node owns a block.',
    properties: {
      state: {
        ...string('How far the claim has come.'),
        ...(group === 'v1' ? {} : { enum: ['', 'confirmed', 'pending', 'pendingDeletion'] }),
      },
      node: string('The node, or the name of a virtual owner.'),
      type: string('host or virtual; host when absent.'),
      cidr: string('The block.', group === 'v1' ? {} : { format: 'cidr' }),
      deleted:
        group === 'v1'
          ? string(
              'Whether the object counts as absent: "true" or "false", by an old mistake a text.',
            )
          : { ...deleted, default: false },
    },
    required: ['cidr', 'deleted', 'node', 'state'],
  })

export const handleSpec: Schema = object({
  description: 'All addresses of one owner, counted per block.',
  properties: {
    handleID: string('The owner; the name of the object is this in lower case.'),
    block: mapOf('Block -> number of addresses.', { type: 'integer' }),
    deleted,
  },
  required: ['block', 'handleID'],
})

const withDefault = (group: Group, value: boolean | number): Schema =>
  group === 'v1' ? {} : { default: value }
const int32 = (group: Group): Schema => (group === 'v1' ? {} : { format: 'int32' })

export const configSpec = (group: Group): Schema =>
  object({
    description: 'Settings of address management for the whole cluster.',
    properties: {
      strictAffinity: boolean(
        'Nodes take addresses from their own blocks only.',
        withDefault(group, false),
      ),
      autoAllocateBlocks: boolean(
        'Nodes may claim blocks by themselves.',
        withDefault(group, true),
      ),
      maxBlocksPerHost: integer('Blocks per node and IP family; 0 stands for 20.', {
        minimum: 0,
        maximum: group === 'v1' ? 2147483647 : 1000000,
        ...int32(group),
        ...withDefault(group, 0),
      }),
      kubeVirtVMAddressPersistence: words(
        'Whether KubeVirt machines keep their addresses; Enabled when absent.',
        'Enabled',
        'Disabled',
      ),
      ipCooldownSeconds: integer(
        'How long a released address rests before it is given out again.',
        {
          minimum: 0,
          maximum: 1200,
          ...int32(group),
        },
      ),
    },
    required: ['autoAllocateBlocks', 'strictAffinity'],
  })

export const reservationSpec: Schema = object({
  description: 'Addresses that are never given out automatically.',
  properties: {
    reservedCIDRs: array(
      'Ranges; a single address is written as /32 or /128.',
      { type: 'string', format: 'cidr' },
      { 'x-kubernetes-list-type': 'set' },
    ),
  },
})

export const clusterInformationSpec: Schema = object({
  description: 'Facts about the cluster, kept by its components.',
  properties: {
    clusterGUID: string('Unique identifier of the cluster.'),
    clusterType: string('Words for the kind of cluster, joined by commas.'),
    calicoVersion: string('Version of Calico.'),
    datastoreReady: boolean('The datastore may be used; plugins refuse to run otherwise.'),
    variant: string('Variant of Calico.'),
  },
})
