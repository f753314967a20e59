/**
 * A block in etcd: a flat document. `affinity` and `deleted` are always written; a block whose
 * attributes are empty has null there when it is fresh (a nil slice in Go) and a list once
 * something was removed from it, so what was read decides what is written.
 */
import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import { inOrder, openObject } from '../codecs/open-object.ts'
import { isRecord } from '../codecs/primitives.ts'
import {
  blockOf,
  claimTime,
  isDeleted,
  optionalBlockFields,
  requiredBlockFields,
  withoutIdleTombstone,
} from '../documents/block-fields.ts'
import type { DocumentKeys, EtcdDocument } from '../documents/document.ts'
import { carried, omit, present } from '../documents/resource.ts'
import type { Block, UnknownFields } from '../model.ts'
import { decodeWith, sentence } from '../report.ts'

const order = [
  'cidr',
  'affinity',
  'affinity_claim_time',
  'allocations',
  'unallocated',
  'attributes',
  'sequenceNumber',
  'sequenceNumberForAllocation',
  'deleted',
  'hostAffinity',
]

const fields = openObject({
  required: requiredBlockFields,
  optional: { ...optionalBlockFields, affinity_claim_time: claimTime },
  order,
})

/** How Go's nil or empty collections were written, where that is not the usual way. */
const oddEmpties = (document: unknown): UnknownFields => {
  if (!isRecord(document)) return {}
  const { attributes, sequenceNumberForAllocation } = document
  return {
    ...(Array.isArray(attributes) && attributes.length === 0 ? { attributes: [] } : {}),
    ...(sequenceNumberForAllocation === null ? { sequenceNumberForAllocation: null } : {}),
  }
}

export const block: EtcdDocument<Block, DocumentKeys['Block']> = {
  decode: (document, { cidr }) => {
    const decoded = decodeWith(fields, document)
    if (isLeft(decoded)) return decoded
    const { unknownFields = {}, affinity_claim_time: claimed, ...known } = decoded.right
    if (known.cidr !== cidr) return left(sentence('cidr', `that of the key, ${cidr}`, known.cidr))
    const rest = withoutIdleTombstone(omit(unknownFields, 'strictAffinity'))
    const unknown = { ...rest, ...oddEmpties(document) }
    return right({ ...blockOf(known, claimed), ...carried(unknown) })
  },
  encode: ({ unknownFields = {}, affinityClaimTime, ...block }) => {
    const { attributes, sequenceNumberForAllocation } = block
    const known = fields.encode({ ...block, ...present('affinity_claim_time', affinityClaimTime) })
    const empties = {
      ...(attributes.length === 0 ? { attributes: unknownFields.attributes ?? null } : {}),
      ...(Object.keys(sequenceNumberForAllocation).length === 0
        ? {
            sequenceNumberForAllocation: 'sequenceNumberForAllocation' in unknownFields ? null : {},
          }
        : {}),
    }
    const always = { affinity: block.affinity ?? null, deleted: isDeleted(unknownFields.deleted) }
    return inOrder({ ...unknownFields, ...known, ...empties, ...always }, order)
  },
}
