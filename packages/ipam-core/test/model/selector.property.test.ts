import fc from 'fast-check'
import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { type Labels, type Selector, selects } from '../../src/model/selector.ts'
import { parseSelector } from '../../src/model/selector-parser.ts'

const label = fc.constantFrom('a', 'b', 'app.io/name', 'in', 'not', 'contains', 'has')
const value = fc.constantFrom('', 'x', 'xy', 'y z', "it's", '{', ')')
const labelSets: fc.Arbitrary<Labels> = fc.dictionary(label, value)

const { selector: selectors } = fc.letrec<{ selector: Selector }>((tie) => ({
  selector: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant<Selector>({ tag: 'All' }),
    fc.record({ tag: fc.constant('Has' as const), label }),
    fc.record({ tag: fc.constantFrom('Equals' as const, 'NotEquals' as const), label, value }),
    fc.record({
      tag: fc.constantFrom('Contains' as const, 'StartsWith' as const, 'EndsWith' as const),
      label,
      value,
    }),
    fc.record({
      tag: fc.constantFrom('In' as const, 'NotIn' as const),
      label,
      values: fc.array(value, { maxLength: 3 }),
    }),
    fc.record({ tag: fc.constant('Not' as const), of: tie('selector') }),
    fc.record({
      tag: fc.constantFrom('And' as const, 'Or' as const),
      of: fc.array(tie('selector'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}))

const quoted = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`)
const operators = {
  Equals: '==',
  NotEquals: '!=',
  Contains: 'contains',
  StartsWith: 'starts with',
  EndsWith: 'ends with',
  In: 'in',
  NotIn: 'not in',
} as const

/** Text with a parenthesis around every operand, so that it says nothing about precedence. */
const textOf = (selector: Selector): string => {
  switch (selector.tag) {
    case 'All':
      return 'all()'
    case 'Has':
      return `has(${selector.label})`
    case 'Not':
      return `!(${textOf(selector.of)})`
    case 'And':
    case 'Or':
      return selector.of
        .map((one) => `(${textOf(one)})`)
        .join(selector.tag === 'And' ? ' && ' : ' || ')
    case 'In':
    case 'NotIn':
      return `${selector.label} ${operators[selector.tag]} {${selector.values.map(quoted).join(', ')}}`
    default:
      return `${selector.label} ${operators[selector.tag]} ${quoted(selector.value)}`
  }
}

const parsed = (text: string): Selector => {
  const result = parseSelector(text)
  if (isLeft(result)) throw new Error(result.left.message)
  return result.right
}

describe('selectors', () => {
  test('text of a selector parses back to the same selector', () => {
    fc.assert(
      fc.property(selectors, (one) => {
        expect(parsed(textOf(one))).toEqual(one)
      }),
    )
  })

  test('without parentheses: any mix of and, or, not is a disjunction of conjunctions', () => {
    const term = fc.record({ negated: fc.boolean(), label })
    const sums = fc.array(fc.array(term, { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(sums, labelSets, (sum, labels) => {
        const text = sum
          .map((product) =>
            product.map((one) => `${one.negated ? '!' : ''}has(${one.label})`).join('&&'),
          )
          .join('||')
        const expected = sum.some((product) =>
          product.every((one) => Object.hasOwn(labels, one.label) !== one.negated),
        )
        expect(selects(parsed(text), labels)).toBe(expected)
      }),
    )
  })

  test('negation, and the pairs of opposite operators, hold for every label set', () => {
    fc.assert(
      fc.property(selectors, label, value, labelSets, (one, key, text, labels) => {
        expect(selects({ tag: 'Not', of: one }, labels)).toBe(!selects(one, labels))
        const equals = selects(parsed(`${key} == ${quoted(text)}`), labels)
        expect(selects(parsed(`${key} != ${quoted(text)}`), labels)).toBe(!equals)
        expect(selects(parsed(`${key} in {${quoted(text)}}`), labels)).toBe(equals)
        expect(selects(parsed(`${key} not in {${quoted(text)}}`), labels)).toBe(!equals)
      }),
    )
  })

  test('any text at all is a selector or a fault inside the text', () => {
    const pieces = fc.constantFrom(
      'a',
      ' ',
      '"x"',
      '==',
      '(',
      ')',
      '{',
      '}',
      '!',
      '&&',
      '||',
      'in',
      'has(',
      'all()',
      ',',
      '\n',
    )
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces).map((list) => list.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const result = parseSelector(text)
        if (!isLeft(result)) return
        expect(result.left.position).toBeGreaterThanOrEqual(0)
        expect(result.left.position).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})
