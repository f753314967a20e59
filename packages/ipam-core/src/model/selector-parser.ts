/**
 * Parses Calico's selector language. From low to high precedence: `||`, `&&`, prefix `!` (may be
 * repeated), parentheses. Terms: `all()`, `has(k)`, `k == "v"`, `k != "v"`, `k in {"a", "b"}`,
 * `k not in {...}` (`notin` too), `k contains "s"`, `k starts with "s"`, `k ends with "s"`. Strings
 * stand in single or double quotes and have no escapes; a set may be empty or end in a comma. An
 * empty text selects everything. `global()` belongs to network policies and is refused.
 *
 * Recursive descent over the text itself: each function takes a position and answers what it
 * understood with the position after it, so nothing is shared and nothing is mutated.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Selector, selectsAll } from './selector.ts'

/** Why a text is not a selector: one sentence, and the offset (from 0) it is about. */
export interface SelectorFault {
  readonly message: string
  readonly position: number
}

/** What was understood, and where the text goes on. */
interface Parsed<A> {
  readonly value: A
  readonly next: number
}
type Parse<A> = Either<SelectorFault, Parsed<A>>

/** Parentheses inside one another: more than anyone writes, fewer than the stack holds. */
const nestingMax = 256

/** `y`: matches only at `lastIndex`. White space is space and tab. */
const pattern = (source: string): RegExp => new RegExp(`[ \\t]*(?:${source})`, 'y')

const label = '([A-Za-z0-9_./-]{1,512})(?![A-Za-z0-9_./-])'
const patterns = {
  or: pattern('\\|\\|'),
  and: pattern('&&'),
  not: pattern('!'),
  open: pattern('\\('),
  close: pattern('\\)'),
  all: pattern('all\\([ \\t]*\\)'),
  global: pattern('global\\([ \\t]*\\)'),
  has: pattern(`has\\([ \\t]*${label}[ \\t]*\\)`),
  label: pattern(label),
  string: pattern(`"([^"]*)"|'([^']*)'`),
  setOpen: pattern('\\{'),
  setClose: pattern('\\}'),
  comma: pattern(','),
  end: pattern('$'),
} as const

const comparisons = [
  ['Equals', pattern('==')],
  ['NotEquals', pattern('!=')],
  ['Contains', pattern('contains')],
  ['StartsWith', pattern('starts[ \\t]*with')],
  ['EndsWith', pattern('ends[ \\t]*with')],
] as const
const memberships = [
  ['NotIn', pattern('not[ \\t]*in\\b')],
  ['In', pattern('in\\b')],
] as const

/** The match of a pattern at a position: its captured text (or '') and the position after it. */
const accept = (regexp: RegExp, text: string, at: number): Parsed<string> | undefined => {
  regexp.lastIndex = at
  const match = regexp.exec(text)
  return match === null
    ? undefined
    : { value: match[1] ?? match[2] ?? '', next: at + match[0].length }
}

const fault = (text: string, at: number, expected: string): Either<SelectorFault, never> => {
  const position = at + (/^[ \t]*/.exec(text.slice(at))?.[0].length ?? 0)
  const rest = text.slice(position, position + 20)
  const found = rest === '' ? 'the text ends' : `there is '${rest}'`
  const message = `'${text}' is not a selector: expected ${expected} at position ${position}, but ${found}`
  return left({ message, position })
}

const parseSet = (text: string, at: number): Parse<ReadonlyArray<string>> => {
  const open = accept(patterns.setOpen, text, at)
  if (open === undefined) return fault(text, at, "'{'")
  const values: string[] = []
  let next = open.next
  for (;;) {
    const close = accept(patterns.setClose, text, next)
    if (close !== undefined) return right({ value: values, next: close.next })
    const member = accept(patterns.string, text, next)
    if (member === undefined) return fault(text, next, "a quoted string or '}'")
    values.push(member.value)
    const comma = accept(patterns.comma, text, member.next)
    if (comma === undefined && accept(patterns.setClose, text, member.next) === undefined) {
      return fault(text, member.next, "',' or '}'")
    }
    next = (comma ?? member).next
  }
}

/** What follows a label. */
const parseComparison = (text: string, name: Parsed<string>): Parse<Selector> => {
  for (const [tag, operator] of comparisons) {
    const found = accept(operator, text, name.next)
    if (found === undefined) continue
    const string = accept(patterns.string, text, found.next)
    if (string === undefined) return fault(text, found.next, 'a quoted string')
    return right({ value: { tag, label: name.value, value: string.value }, next: string.next })
  }
  for (const [tag, operator] of memberships) {
    const found = accept(operator, text, name.next)
    if (found === undefined) continue
    const set = parseSet(text, found.next)
    if (isLeft(set)) return set
    const { value: values, next } = set.right
    return right({ value: { tag, label: name.value, values }, next })
  }
  return fault(
    text,
    name.next,
    'an operator (==, !=, in, not in, contains, starts with, ends with)',
  )
}

const parseTerm = (text: string, at: number, depth: number): Parse<Selector> => {
  const open = accept(patterns.open, text, at)
  if (open !== undefined) {
    if (depth >= nestingMax) return fault(text, at, `at most ${nestingMax} nested parentheses`)
    const inner = parseOr(text, open.next, depth + 1)
    if (isLeft(inner)) return inner
    const close = accept(patterns.close, text, inner.right.next)
    if (close === undefined) return fault(text, inner.right.next, "'&&', '||' or ')'")
    return right({ value: inner.right.value, next: close.next })
  }
  const all = accept(patterns.all, text, at)
  if (all !== undefined) return right({ value: selectsAll, next: all.next })
  const has = accept(patterns.has, text, at)
  if (has !== undefined) return right({ value: { tag: 'Has', label: has.value }, next: has.next })
  if (accept(patterns.global, text, at) !== undefined) {
    return fault(text, at, "a term other than 'global()', which only network policies know,")
  }
  const name = accept(patterns.label, text, at)
  return name === undefined
    ? fault(text, at, "a label, 'has(label)', 'all()', '!' or '('")
    : parseComparison(text, name)
}

const parseNegated = (text: string, at: number, depth: number): Parse<Selector> => {
  let next = at
  let isNegated = false
  for (let not = accept(patterns.not, text, next); not; not = accept(patterns.not, text, next)) {
    next = not.next
    isNegated = !isNegated
  }
  const term = parseTerm(text, next, depth)
  if (isLeft(term) || !isNegated) return term
  return right({ value: { tag: 'Not', of: term.right.value }, next: term.right.next })
}

/** One or more of `operand`, joined by `operator`. */
const parseJoined =
  (tag: 'And' | 'Or', operator: RegExp, operand: typeof parseNegated) =>
  (text: string, at: number, depth: number): Parse<Selector> => {
    const operands: Selector[] = []
    let next = at
    for (;;) {
      const one = operand(text, next, depth)
      if (isLeft(one)) return one
      operands.push(one.right.value)
      const joined = accept(operator, text, one.right.next)
      if (joined === undefined) {
        const value = operands.length === 1 ? one.right.value : { tag, of: operands }
        return right({ value, next: one.right.next })
      }
      next = joined.next
    }
  }

const parseAnd = parseJoined('And', patterns.and, parseNegated)
const parseOr = parseJoined('Or', patterns.or, parseAnd)

/** Parses a selector; empty text selects everything. */
export const parseSelector = (text: string): Either<SelectorFault, Selector> => {
  if (accept(patterns.end, text, 0) !== undefined) return right(selectsAll)
  const parsed = parseOr(text, 0, 0)
  if (isLeft(parsed)) return parsed
  const { value, next } = parsed.right
  return accept(patterns.end, text, next) === undefined
    ? fault(text, next, "'&&', '||' or the end")
    : right(value)
}
