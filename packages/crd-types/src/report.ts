/**
 * Decode errors as one short sentence: where, what was expected, what was there. io-ts reports
 * every branch it tried as nested structures; the reader of a log needs the first wrong field.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'

/** Longest piece of a document that is repeated in a message. */
const shownCharactersMax = 60

const describe = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}...`
}

const pathOf = (context: t.Context): string =>
  context
    .map(({ key }) => key)
    .filter((key) => key !== '')
    .reduce((path, key) => (key.startsWith('[') || path === '' ? path + key : `${path}.${key}`), '')

/** `spec.cidr: expected a CIDR, got "10.0.0"`. */
export const sentence = (path: string, expected: string, got: unknown): string =>
  `${path === '' ? 'document' : path}: expected ${expected}, got ${describe(got)}`

/** The first error of a failed validation as a sentence. */
export const report = (errors: t.Errors): string => {
  const [first] = errors
  const place = first?.context[first.context.length - 1]
  if (first === undefined || place === undefined) return 'document: expected something else'
  return sentence(pathOf(first.context), place.type?.name ?? 'something else', first.value)
}

/** Decodes with a codec, the error being one sentence. */
export const decodeWith = <A>(codec: t.Type<A, unknown>, document: unknown): Either<string, A> => {
  const result = codec.decode(document)
  return isLeft(result) ? left(report(result.left)) : right(result.right)
}
