/**
 * Finds where a text stops being JSON. Runtimes word their syntax errors differently and some give
 * no position, so after a failed parse this small scanner reads the text once more, strictly by
 * RFC 8259, and names the first character that cannot stand where it stands.
 */
export interface JSONFault {
  readonly problem: string
  /** Offset in UTF-16 units. */
  readonly position: number
}

class Fault extends Error {
  readonly fault: JSONFault
  constructor(problem: string, position: number) {
    super(problem)
    this.fault = { problem, position }
  }
}

const space = /[ \t\n\r]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const word = /true|false|null/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in strings
const stringBody = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y

/** What is wrong with a text that JSON.parse refused. */
export const findJSONFault = (text: string): JSONFault => {
  if (text.trim() === '') return { problem: 'the text is empty', position: 0 }
  try {
    const end = skip(space, text, scanValue(text, skip(space, text, 0)))
    if (end < text.length) return unexpected(text, end, 'nothing more')
  } catch (error) {
    if (error instanceof Fault) return error.fault
    if (!(error instanceof RangeError)) throw error
  }
  return { problem: 'nested too deep', position: 0 }
}

const unexpected = (text: string, position: number, wanted: string): JSONFault => {
  const found = text.slice(position, position + 1)
  const what = found === '' ? 'the end of the text' : JSON.stringify(found)
  return { problem: `expected ${wanted}, found ${what}`, position }
}

const fail = (text: string, position: number, wanted: string): never => {
  const fault = unexpected(text, position, wanted)
  throw new Fault(fault.problem, fault.position)
}

/** The offset behind what the pattern matches at `position`; `position` itself when it does not. */
const skip = (pattern: RegExp, text: string, position: number): number => {
  pattern.lastIndex = position
  return pattern.test(text) ? pattern.lastIndex : position
}

const scanValue = (text: string, start: number): number => {
  const first = text[start]
  if (first === '{') return scanList(text, start, '}', scanMember)
  if (first === '[') return scanList(text, start, ']', scanValue)
  if (first === '"') return scanString(text, start)
  const end = Math.max(skip(word, text, start), skip(number, text, start))
  return end > start ? end : fail(text, start, 'a value')
}

const scanString = (text: string, start: number): number => {
  if (text[start] !== '"') return fail(text, start, 'a key in double quotes')
  const end = skip(stringBody, text, start + 1)
  return text[end] === '"' ? end + 1 : fail(text, end, 'a string character or closing quote')
}

const scanMember = (text: string, start: number): number => {
  const colon = skip(space, text, scanString(text, start))
  if (text[colon] !== ':') return fail(text, colon, '":"')
  return scanValue(text, skip(space, text, colon + 1))
}

const scanList = (
  text: string,
  start: number,
  close: string,
  scanItem: (text: string, start: number) => number,
): number => {
  let position = skip(space, text, start + 1)
  if (text[position] === close) return position + 1
  while (position < text.length) {
    position = skip(space, text, scanItem(text, position))
    if (text[position] === close) return position + 1
    if (text[position] !== ',') return fail(text, position, `"," or "${close}"`)
    position = skip(space, text, position + 1)
  }
  return fail(text, position, close === '}' ? 'a key in double quotes' : 'a value')
}
