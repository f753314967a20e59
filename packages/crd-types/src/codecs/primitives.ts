/**
 * The small codecs documents are made of. A codec's name completes the sentence "expected ...", so
 * that report.ts can say in one line what a document should have held.
 */
import * as t from 'io-ts'
import type { StringMap } from '../model.ts'

/** A codec that accepts what `accept` turns into a value and refuses what it turns into undefined. */
export const scalar = <A>(
  name: string,
  is: (value: unknown) => value is A,
  accept: (value: unknown) => A | undefined,
  encode: (value: A) => unknown = (value) => value,
): t.Type<A, unknown> =>
  new t.Type<A, unknown>(
    name,
    is,
    (input, context) => {
      const value = accept(input)
      return value === undefined ? t.failure(input, context) : t.success(value)
    },
    encode,
  )

const isString = (value: unknown): value is string => typeof value === 'string'

/** Text that `canonical` understands, in its canonical spelling. */
export const canonicalText = (
  name: string,
  canonical: (text: string) => string | undefined,
): t.Type<string, unknown> =>
  scalar(name, isString, (value) => (isString(value) ? canonical(value) : undefined))

export const text: t.Type<string, unknown> = canonicalText('a string', (value) => value)

export const nonEmptyText: t.Type<string, unknown> = canonicalText('a non-empty string', (value) =>
  value === '' ? undefined : value,
)

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'

export const flag: t.Type<boolean, unknown> = scalar('true or false', isBoolean, (value) =>
  isBoolean(value) ? value : undefined,
)

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)

/** A whole number that a JavaScript number holds exactly; for 64-bit counters see uint64. */
export const wholeNumber = (min: number, max: number): t.Type<number, unknown> =>
  scalar(`a whole number from ${min} to ${max}`, isInteger, (value) =>
    isInteger(value) && value >= min && value <= max ? value : undefined,
  )

/** One of a few words. */
export const oneOf = <const W extends ReadonlyArray<string>>(
  ...words: W
): t.Type<W[number], unknown> => {
  const isWord = (value: unknown): value is W[number] => words.includes(value as string)
  const quoted = words.map((word) => JSON.stringify(word))
  const name = quoted.length === 1 ? quoted.join() : `one of ${quoted.join(', ')}`
  return scalar(name, isWord, (value) => (isWord(value) ? value : undefined))
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Any JSON object, kept as it is. */
export const anyObject: t.Type<Readonly<Record<string, unknown>>, unknown> = scalar(
  'an object',
  isRecord,
  (value) => (isRecord(value) ? value : undefined),
)

/** Whatever is there. */
export const anything: t.Type<unknown, unknown> = t.unknown

/** A list of `item`; null counts as an empty list, as in Go. */
export const list = <A>(item: t.Type<A, unknown>): t.Type<ReadonlyArray<A>, unknown> =>
  new t.Type<ReadonlyArray<A>, unknown>(
    'a list',
    (value): value is ReadonlyArray<A> => Array.isArray(value) && value.every(item.is),
    (input, context) => {
      if (input === null) return t.success([])
      if (!Array.isArray(input)) return t.failure(input, context)
      const values: A[] = []
      for (const [index, entry] of input.entries()) {
        const result = item.validate(entry, t.appendContext(context, `[${index}]`, item, entry))
        if (result._tag === 'Left') return result
        values.push(result.right)
      }
      return t.success(values)
    },
    (values) => values.map(item.encode),
  )

/**
 * String keys to `item`; null counts as empty. Written with sorted keys, as Go writes a map. `key`
 * brings the keys to their canonical spelling and refuses others.
 */
export const map = <A>(
  name: string,
  item: t.Type<A, unknown>,
  key: t.Type<string, unknown> = text,
): t.Type<Readonly<Record<string, A>>, unknown> =>
  new t.Type<Readonly<Record<string, A>>, unknown>(
    name,
    (value): value is Readonly<Record<string, A>> =>
      isRecord(value) && Object.values(value).every(item.is),
    (input, context) => {
      if (input === null) return t.success({})
      if (!isRecord(input)) return t.failure(input, context)
      const entries: Array<readonly [string, A]> = []
      for (const [found, entry] of Object.entries(input)) {
        const place = `[${JSON.stringify(found)}]`
        const canonical = key.validate(found, t.appendContext(context, place, key, found))
        if (canonical._tag === 'Left') return canonical
        const value = item.validate(entry, t.appendContext(context, place, item, entry))
        if (value._tag === 'Left') return value
        entries.push([canonical.right, value.right])
      }
      return t.success(Object.fromEntries(entries))
    },
    (values) => Object.fromEntries(sortedEntries(values).map(([k, v]) => [k, item.encode(v)])),
  )

const sortedEntries = <A>(values: Readonly<Record<string, A>>): Array<readonly [string, A]> =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))

/** Labels, annotations and the like. */
export const stringMap: t.Type<StringMap, unknown> = map('an object of strings', text)
