/**
 * IPAMHandle of both API groups. The resource name is the handle ID in lower case; the true ID is
 * in the spec.
 */
import { right } from 'fp-ts/lib/Either.js'
import { canonicalCIDR } from '../codecs/cidr.ts'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { canonicalText, map, nonEmptyText, wholeNumber } from '../codecs/primitives.ts'
import { isDeleted, withoutIdleTombstone } from '../documents/block-fields.ts'
import type { ResourceRules } from '../documents/resource.ts'
import type { Handle } from '../model.ts'

/** Block CIDR -> number of addresses. */
export const blockCounts = map(
  'an object of CIDR to number',
  wholeNumber(0, Number.MAX_SAFE_INTEGER),
  canonicalText('a CIDR as key', canonicalCIDR),
)

const required = { handleID: nonEmptyText, block: blockCounts }
type Spec = Open<typeof required, NoFields>

export const ipamHandle: ResourceRules<Handle, Spec> = {
  kind: 'IPAMHandle',
  spec: openObject({ required, optional: {}, order: ['handleID', 'block', 'deleted'] }),
  read: ({ handleID: id, block: blocks }, _name, leftOver) =>
    right({
      value: { id, blocks },
      leftOver: { ...leftOver, spec: withoutIdleTombstone(leftOver.spec) },
    }),
  write: ({ id, blocks }, { spec }) => ({
    spec: {
      handleID: id,
      block: blocks,
      unknownFields: { ...spec, deleted: isDeleted(spec.deleted) },
    },
  }),
}
