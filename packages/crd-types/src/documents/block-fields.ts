/**
 * The fields of an IPAM block. etcd and the custom resources hold the same ones with small
 * differences: the spelling of the claim time, null against absent, and deprecated companions.
 */

import { allocationIndexes, attributes, ordinals, sequenceNumbers } from '../codecs/allocation.ts'
import { cidr } from '../codecs/cidr.ts'
import { nonEmptyText } from '../codecs/primitives.ts'
import { rfc3339 } from '../codecs/rfc3339.ts'
import { uint64 } from '../codecs/uint64.ts'
import type { Block, UnknownFields } from '../model.ts'
import { omit, present } from './resource.ts'

export const requiredBlockFields = { cidr, allocations: allocationIndexes, unallocated: ordinals }

export const optionalBlockFields = {
  affinity: nonEmptyText,
  attributes,
  /** Very old blocks have neither of the two: they count from zero. */
  sequenceNumber: uint64,
  sequenceNumberForAllocation: sequenceNumbers,
}

export const claimTime = rfc3339

interface Fields {
  readonly cidr: string
  readonly affinity?: string
  readonly allocations: Block['allocations']
  readonly unallocated: Block['unallocated']
  readonly attributes?: Block['attributes']
  readonly sequenceNumber?: bigint
  readonly sequenceNumberForAllocation?: Block['sequenceNumberForAllocation']
}

/** A block of its decoded fields; Calico's nil slices and maps are empty ones here. */
export const blockOf = (fields: Fields, affinityClaimTime: string | undefined): Block => ({
  cidr: fields.cidr,
  ...present('affinity', fields.affinity),
  ...present('affinityClaimTime', affinityClaimTime),
  allocations: fields.allocations,
  unallocated: fields.unallocated,
  attributes: fields.attributes ?? [],
  sequenceNumber: fields.sequenceNumber ?? 0n,
  sequenceNumberForAllocation: fields.sequenceNumberForAllocation ?? {},
})

/** What is true of `deleted` in a document: true, "true" (crd.projectcalico.org/v1), or not. */
export const isDeleted = (value: unknown): boolean => value === true || value === 'true'

/** Left-over fields without the tombstone flag when it says "not deleted", as it nearly always does. */
export const withoutIdleTombstone = (fields: UnknownFields): UnknownFields =>
  isDeleted(fields.deleted) ? fields : omit(fields, 'deleted')
