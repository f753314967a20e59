/**
 * JSON whose 64-bit integers survive. A block's sequence number starts at UNIX nanoseconds (about
 * 1.8e18), far beyond 2^53, so plain JSON.parse would silently round it and the next write would
 * break Calico's protection against releasing a reassigned address. Integers that a number cannot
 * hold exactly become bigint; everything else is what JSON.parse gives. Most documents have no such
 * integer and take the native path; the others pay for a reviver that sees each number's source.
 */
import { findJSONFault } from './json-fault.ts'

/** The text is not JSON. `position` counts UTF-16 units from 0; line and column count from 1. */
export class InvalidJSON extends Error {
  override readonly name = 'InvalidJSON'
  readonly position: number
  readonly line: number
  readonly column: number

  constructor(problem: string, position: number, text: string) {
    const lines = text.slice(0, position).split('\n')
    const line = lines.length
    const column = (lines[line - 1] ?? '').length + 1
    super(`not JSON: ${problem} at line ${line} column ${column}`)
    this.position = position
    this.line = line
    this.column = column
  }
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown

/** Fewer digits than this always fit a number: 2^53 has 16. */
const longDigits = /\d{16}/
const integer = /^-?\d+$/

const keepInteger: Reviver = (_key, value, context) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source
  if (source === undefined) {
    throw new TypeError('this JavaScript runtime cannot read 64-bit JSON; use Node 22 or newer')
  }
  return integer.test(source) ? BigInt(source) : value
}

/**
 * Parses one JSON text. Integers beyond Number.MAX_SAFE_INTEGER in either direction are bigint. Of
 * a repeated key the last value counts, as in JSON.parse and in Go; `__proto__` is an ordinary key.
 * Throws InvalidJSON with the position of the fault.
 */
export const parseJSON = (text: string): unknown => {
  try {
    return longDigits.test(text) ? JSON.parse(text, keepInteger) : JSON.parse(text)
  } catch (cause) {
    if (cause instanceof RangeError) throw new InvalidJSON('nested too deep', 0, text)
    if (!(cause instanceof SyntaxError)) throw cause
    const fault = findJSONFault(text)
    throw new InvalidJSON(fault.problem, fault.position, text)
  }
}

export interface StringifyOptions {
  /** Spaces per level for people to read; 0 (the default) writes one line. */
  readonly indentSpaces?: number
  /** Writes `<`, `>`, `&`, U+2028 and U+2029 as \uXXXX, as Go's encoder does by default. */
  readonly escapeHTML?: boolean
}

/**
 * Writes a value as JSON: bigint as digits, properties that are undefined left out, key order kept.
 * Integer-like keys, whose order a JavaScript object cannot keep, are written in string order, as
 * Go writes the keys of a map. Throws TypeError on what JSON cannot express (NaN, functions,
 * undefined in an array) where JSON.stringify would write null.
 */
export const stringifyJSON = (value: unknown, options: StringifyOptions = {}): string => {
  const text = write(value, '', ' '.repeat(options.indentSpaces ?? 0))
  return options.escapeHTML === true ? text.replace(htmlCharacters, asEscape) : text
}

/** Outside of strings JSON has none of these, so the finished text can be searched for them. */
const htmlCharacters = /[<>&\u2028\u2029]/g

const asEscape = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const write = (value: unknown, margin: string, step: string): string => {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'number':
      if (Number.isFinite(value)) return String(value)
      break
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value)
        ? writeArray(value, margin, step)
        : writeObject(value as Record<string, unknown>, margin, step)
  }
  throw new TypeError(`cannot write ${String(value)} as JSON`)
}

const writeArray = (items: ReadonlyArray<unknown>, margin: string, step: string): string => {
  if (items.length === 0) return '[]'
  const inner = margin + step
  const between = step === '' ? ',' : `,\n${inner}`
  let body = write(items[0], inner, step)
  for (let index = 1; index < items.length; index++) {
    body += between + write(items[index], inner, step)
  }
  return step === '' ? `[${body}]` : `[\n${inner}${body}\n${margin}]`
}

const writeObject = (
  record: Readonly<Record<string, unknown>>,
  margin: string,
  step: string,
): string => {
  const inner = margin + step
  const between = step === '' ? ',' : `,\n${inner}`
  const colon = step === '' ? ':' : ': '
  let body = ''
  for (const key of orderedKeys(record)) {
    const value = record[key]
    if (value === undefined) continue
    if (body !== '') body += between
    body += JSON.stringify(key) + colon + write(value, inner, step)
  }
  if (body === '') return '{}'
  return step === '' ? `{${body}}` : `{\n${inner}${body}\n${margin}}`
}

const integerKey = /^(0|[1-9]\d*)$/

/** JavaScript lists integer-like keys first and by value; the rest keeps its order. */
const orderedKeys = (record: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const keys = Object.keys(record)
  if (!integerKey.test(keys[1] ?? '')) return keys
  const others = keys.findIndex((key) => !integerKey.test(key))
  if (others === -1) return keys.sort()
  return [...keys.slice(0, others).sort(), ...keys.slice(others)]
}
