/**
 * The parts of a block that every stored form shares: attributes, ordinals and allocation indexes.
 * Blocks have up to 4096 ordinals and are read on every ADD, so their arrays are checked in plain
 * loops instead of one io-ts context per element.
 */
import * as t from 'io-ts'
import type { AllocationAttribute } from '../model.ts'
import { openObject } from './open-object.ts'
import { list, map, stringMap, text } from './primitives.ts'
import { rfc3339 } from './rfc3339.ts'
import { uint64 } from './uint64.ts'

/** Calico's largest block, a /20 or a /116, has 4096 addresses. */
const ordinalMax = 4095

const isOrdinal = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= ordinalMax

const isOrdinalOrNull = (value: unknown): value is number | null =>
  value === null || isOrdinal(value)

/** A list of values that need no conversion; null counts as empty. */
const plainList = <A>(
  name: string,
  isItem: (value: unknown) => value is A,
): t.Type<ReadonlyArray<A>, unknown> => {
  const item = new t.Type<A, unknown>(name, isItem, t.failure, (value) => value)
  return new t.Type<ReadonlyArray<A>, unknown>(
    'a list',
    (value): value is ReadonlyArray<A> => Array.isArray(value) && value.every(isItem),
    (input, context) => {
      if (input === null) return t.success([])
      if (!Array.isArray(input)) return t.failure(input, context)
      const wrong = input.findIndex((value) => !isItem(value))
      if (wrong === -1) return t.success(input)
      return t.failure(input[wrong], t.appendContext(context, `[${wrong}]`, item, input[wrong]))
    },
    (values) => values,
  )
}

const ordinalName = `an ordinal from 0 to ${ordinalMax}`

export const ordinals = plainList(ordinalName, isOrdinal)
export const allocationIndexes = plainList(`null or ${ordinalName}`, isOrdinalOrNull)
export const sequenceNumbers = map('an object of 64-bit numbers', uint64)

const attributeFields = openObject({
  required: {},
  optional: {
    handle_id: text,
    secondary: stringMap,
    alternateOwnerAttrs: stringMap,
    releasedAt: rfc3339,
  },
})

/** Stored as `handle_id` in every form, `handleID` here. */
const attribute = new t.Type<AllocationAttribute, unknown>(
  'an object',
  (value): value is AllocationAttribute => typeof value === 'object' && value !== null,
  (input, context) => {
    const result = attributeFields.validate(input, context)
    if (result._tag === 'Left') return result
    const { handle_id: handleID, ...rest } = result.right
    return t.success(handleID === undefined ? rest : { handleID, ...rest })
  },
  ({ handleID, ...rest }) =>
    attributeFields.encode({ ...rest, ...(handleID === undefined ? {} : { handle_id: handleID }) }),
)

export const attributes = list(attribute)
