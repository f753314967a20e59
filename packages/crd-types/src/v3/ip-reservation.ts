/**
 * IPReservation. Its entries stay as the user wrote them: Calico ignores malformed ones, so one
 * typing error must not make all reservations unreadable.
 */
import { right } from 'fp-ts/lib/Either.js'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { list, text } from '../codecs/primitives.ts'
import type { ResourceRules } from '../documents/resource.ts'
import type { IPReservation } from '../model.ts'

const optional = { reservedCIDRs: list(text) }
type Spec = Open<NoFields, typeof optional>

export const ipReservation: ResourceRules<IPReservation, Spec> = {
  kind: 'IPReservation',
  spec: openObject({ required: {}, optional }),
  read: ({ reservedCIDRs = [] }, { name }, leftOver) =>
    right({ value: { name, reservedCIDRs }, leftOver }),
  write: ({ reservedCIDRs }) => ({ spec: { reservedCIDRs } }),
}
