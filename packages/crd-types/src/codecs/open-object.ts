/**
 * Objects whose known fields are typed and whose unknown fields survive. A newer Calico may store
 * fields this version has never heard of; dropping one on a read-modify-write can leak addresses,
 * so decoding gathers them in `unknownFields` and encoding puts them back. io-ts' own `strict` and
 * `exact` delete such fields, and `type` would mix them with the known ones.
 */
import * as t from 'io-ts'
import type { UnknownFields } from '../model.ts'
import { isRecord } from './primitives.ts'

type Fields = Readonly<Record<string, t.Mixed>>
/** No field is required, or none is optional. */
export type NoFields = Readonly<Record<never, t.Mixed>>

type Values<F extends Fields> = { readonly [K in keyof F]: t.TypeOf<F[K]> }

export type Open<Required extends Fields, Optional extends Fields> = Values<Required> &
  Partial<Values<Optional>> & { readonly unknownFields?: UnknownFields }

export interface Shape<Required extends Fields, Optional extends Fields> {
  readonly required: Required
  /** May be absent; null counts as absent, as Go reads it. */
  readonly optional: Optional
  /**
   * Order in which Calico's encoder writes the fields, which may name fields this version keeps
   * among the unknown ones. Fields it does not name follow. Left out: required, then optional.
   */
  readonly order?: ReadonlyArray<string>
}

export const openObject = <const Required extends Fields, const Optional extends Fields>(
  shape: Shape<Required, Optional>,
): t.Type<Open<Required, Optional>, UnknownFields> => {
  type Value = Open<Required, Optional>
  const all: Fields = { ...shape.required, ...shape.optional }
  const order = shape.order ?? Object.keys(all)
  // Checked in this order too, so that the first fault reported is the first one in the document.
  const fields = new Map(Object.entries(inOrder(all, order)))
  return new t.Type<Value, UnknownFields>(
    'an object',
    (value): value is Value => isRecord(value),
    (input, context) => {
      if (!isRecord(input)) return t.failure(input, context)
      const known: Record<string, unknown> = {}
      for (const [key, codec] of fields) {
        const entry = Object.hasOwn(input, key) ? input[key] : undefined
        if ((entry === undefined || entry === null) && key in shape.optional) continue
        const result = codec.validate(entry, t.appendContext(context, key, codec, entry))
        if (result._tag === 'Left') return result
        known[key] = result.right
      }
      const unknown = Object.entries(input).filter(([key]) => !fields.has(key))
      if (unknown.length > 0) known.unknownFields = Object.fromEntries(unknown)
      return t.success(known as Value)
    },
    ({ unknownFields, ...known }) => {
      const written: Record<string, unknown> = { ...unknownFields }
      for (const [key, value] of Object.entries(known)) {
        if (value !== undefined) written[key] = fields.get(key)?.encode(value)
      }
      return inOrder(written, order)
    },
  )
}

/** The same record with the named fields first. */
export const inOrder = <V>(
  record: Readonly<Record<string, V>>,
  order: ReadonlyArray<string>,
): Readonly<Record<string, V>> => {
  const first = order.filter((key) => Object.hasOwn(record, key))
  const rest = Object.keys(record).filter((key) => !order.includes(key))
  return Object.fromEntries([...first, ...rest].map((key) => [key, record[key] as V]))
}
