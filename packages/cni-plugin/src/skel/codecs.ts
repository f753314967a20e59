/**
 * The io-ts building blocks of everything decoded here, and how a failed decode becomes sentences.
 * The name of each codec is the text that completes "... must be", so every wrong field of a
 * document is reported at once, each in one sentence that says what to write instead.
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { quoted } from './command-args.ts'

const define = <A>(
  mustBe: string,
  is: (u: unknown) => u is A,
  accept: (u: A) => boolean = () => true,
): t.Type<A, A, unknown> =>
  new t.Type<A, A, unknown>(
    mustBe,
    (u): u is A => is(u) && accept(u),
    (u, context) => (is(u) && accept(u) ? t.success(u) : t.failure(u, context)),
    t.identity,
  )

const isText = (u: unknown): u is string => typeof u === 'string'
const isNumber = (u: unknown): u is number => typeof u === 'number'

/** Text that satisfies `accept`; `mustBe` says which texts do. */
export const textThat = (mustBe: string, accept: (text: string) => boolean) =>
  define(mustBe, isText, accept)

export const text = define('text', isText)

export const flag = define('true or false', (u): u is boolean => typeof u === 'boolean')

export const wholeNumber = (min: number, max: number) =>
  define(
    `a whole number from ${min} to ${max}`,
    isNumber,
    (n) => Number.isInteger(n) && n >= min && n <= max,
  )

export const oneOf = <const L extends ReadonlyArray<string>>(...allowed: L) =>
  define(
    allowed.length === 1
      ? quoted(allowed[0] as string)
      : `one of ${allowed.map(quoted).join(', ')}`,
    (u): u is L[number] => isText(u) && allowed.includes(u),
  )

export const listOf = <A>(item: t.Type<A, A, unknown>) => t.array(item, 'a list')

/** An object with these fields, each optional; others are ignored. */
export const fields = <P extends t.Props>(props: P) => t.partial(props, 'an object')

/** An object with required and optional fields. One level in messages, unlike `t.intersection`. */
export const fieldsWith = <R extends t.Props, O extends t.Props>(required: R, optional: O) => {
  type A = t.TypeOfProps<R> & t.TypeOfPartialProps<O>
  const must = t.type(required, 'an object')
  const may = t.partial(optional, 'an object')
  return new t.Type<A, A, unknown>(
    'an object',
    (u): u is A => must.is(u) && may.is(u),
    (u, context) => {
      const failed = [must.validate(u, context), may.validate(u, context)].filter(isLeft)
      return failed.length === 0 ? t.success(u as A) : t.failures(failed.flatMap((e) => e.left))
    },
    t.identity,
  )
}

export const textMap = t.record(t.string, text, 'an object of texts')

export const anything = t.unknown

/** Anything that JSON calls an object. */
export const anyObject = define(
  'an object',
  (u): u is Readonly<Record<string, unknown>> =>
    typeof u === 'object' && u !== null && !Array.isArray(u),
)

/** Fields whose values never appear in a message or a log: credentials, and URLs that carry them. */
const isSecret = (path: string): boolean =>
  /token|password|secret|_key|_cert|certificate|endpoints|api_root|authority|gates/i.test(path)

const describe = (value: unknown, path: string): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (isSecret(path)) return 'something else'
  return typeof value === 'string' ? quoted(value) : String(value)
}

const pathOf = (context: t.Context): string => {
  let path = ''
  for (const { key } of context) {
    if (key === '') continue
    if (/^\d+$/.test(key)) path += `[${key}]`
    else path += path === '' ? key : `.${key}`
  }
  return path
}

/** One sentence per wrong field: `mtu must be a whole number from 0 to 65535, but is "big"`. */
export const sentences = (errors: t.Errors, document: string): ReadonlyArray<string> => {
  const found = errors.map(({ context, value, message }) => {
    const path = pathOf(context)
    const mustBe = context[context.length - 1]?.type.name ?? 'something else'
    const where = path === '' ? document : path
    if (message !== undefined) return `${where} ${message}`
    if (value === undefined) return `${where} is missing: it must be ${mustBe}`
    return `${where} must be ${mustBe}, but is ${describe(value, path)}`
  })
  return [...new Set(found)]
}

/**
 * The document without fields that are null: Go's JSON, which everybody writes these documents
 * for, reads null as "not set". Lists are left alone. Throws on absurd nesting.
 */
export const withoutNulls = (value: unknown, depth = 0): unknown => {
  if (depth > nestingMax) throw new RangeError(`is nested more than ${nestingMax} levels deep`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).filter(([, v]) => v !== null)
  return Object.fromEntries(entries.map(([k, v]) => [k, withoutNulls(v, depth + 1)]))
}

const nestingMax = 64
