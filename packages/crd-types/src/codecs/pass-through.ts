/**
 * Small objects inside lists whose plain type has no place for unknown fields: they are checked
 * and then kept as they are, extra fields included.
 */
import * as t from 'io-ts'
import { type Open, openObject } from './open-object.ts'
import { isRecord } from './primitives.ts'

type Fields = Readonly<Record<string, t.Mixed>>
type Known<Required extends Fields, Optional extends Fields> = Omit<
  Open<Required, Optional>,
  'unknownFields'
>

export const passThrough = <const Required extends Fields, const Optional extends Fields>(
  required: Required,
  optional: Optional,
): t.Type<Known<Required, Optional>, unknown> => {
  type Value = Known<Required, Optional>
  const checked = openObject({ required, optional })
  return new t.Type<Value, unknown>(
    'an object',
    (value): value is Value => isRecord(value),
    (input, context) => {
      const result = checked.validate(input, context)
      return result._tag === 'Left' ? result : t.success(input as Value)
    },
    (value) => value,
  )
}
