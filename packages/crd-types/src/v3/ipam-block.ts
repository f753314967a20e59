/**
 * IPAMBlock of both API groups. `attributes` and `unallocated` are always lists there, and both
 * schemas still require the deprecated `strictAffinity`, which writers set to false.
 */
import { right } from 'fp-ts/lib/Either.js'
import { type Open, openObject } from '../codecs/open-object.ts'
import {
  blockOf,
  claimTime,
  isDeleted,
  optionalBlockFields,
  requiredBlockFields,
  withoutIdleTombstone,
} from '../documents/block-fields.ts'
import { omit, type ResourceRules } from '../documents/resource.ts'
import type { Block } from '../model.ts'

const optional = { ...optionalBlockFields, affinityClaimTime: claimTime }
type Spec = Open<typeof requiredBlockFields, typeof optional>

const order = [
  'cidr',
  'affinity',
  'affinityClaimTime',
  'allocations',
  'unallocated',
  'attributes',
  'sequenceNumber',
  'sequenceNumberForAllocation',
  'deleted',
  'strictAffinity',
]

export const ipamBlock: ResourceRules<Block, Spec> = {
  kind: 'IPAMBlock',
  spec: openObject({ required: requiredBlockFields, optional, order }),
  read: (spec, _name, leftOver) => {
    const rest = withoutIdleTombstone(omit(leftOver.spec, 'strictAffinity'))
    const value = blockOf(spec, spec.affinityClaimTime)
    return right({ value, leftOver: { ...leftOver, spec: rest } })
  },
  write: ({ unknownFields: _, ...block }, { spec }) => ({
    spec: {
      ...block,
      unknownFields: { ...spec, deleted: isDeleted(spec.deleted), strictAffinity: false },
    },
  }),
}
