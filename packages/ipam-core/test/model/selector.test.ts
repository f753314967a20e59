import { isLeft } from 'fp-ts/lib/Either.js'
import { describe, expect, test } from 'vitest'
import { type Labels, selects } from '../../src/model/selector.ts'
import { parseSelector } from '../../src/model/selector-parser.ts'

const matches = (text: string, labels: Labels): boolean => {
  const parsed = parseSelector(text)
  if (isLeft(parsed)) throw new Error(parsed.left.message)
  return selects(parsed.right, labels)
}

const labels: Labels = {
  zone: 'eu-1',
  'kubernetes.io/os': 'linux',
  empty: '',
  in: 'yes',
  has: 'x',
  all: 'y',
}

describe('what a selector matches', () => {
  test.each<[string, boolean]>([
    ['', true],
    [' \t ', true],
    ['all()', true],
    ['all( )', true],
    ['!all()', false],
    ['has(zone)', true],
    ['has( zone )', true],
    ['has(absent)', false],
    ['has(empty)', true],
    ['!has(absent)', true],
    ['!!has(absent)', false],
    ['! ! !has(zone)', false],
    ['zone == "eu-1"', true],
    ["zone=='eu-1'", true],
    ['zone == "eu-2"', false],
    ['absent == ""', false],
    ['empty == ""', true],
    ['zone != "eu-2"', true],
    ['zone != "eu-1"', false],
    ['absent != "anything"', true],
    ['zone in {"eu-1", "eu-2"}', true],
    ["zone in{'eu-1',}", true],
    ['zone in {}', false],
    ['absent in {"", "x"}', false],
    ['zone not in {"eu-1"}', false],
    ['zone notin {"eu-2"}', true],
    ['zone not in {}', true],
    ['absent not in {"x"}', true],
    ['zone contains "u-"', true],
    ['zone contains ""', true],
    ['absent contains ""', false],
    ['zone starts with "eu"', true],
    ['zone startswith "eu"', true],
    ['zone starts with "-1"', false],
    ['absent starts with ""', false],
    ['zone ends with "-1"', true],
    ['zone ends  with "eu"', false],
    ['kubernetes.io/os == "linux"', true],
    ['in in {"yes"}', true],
    ['has == "x" && all == "y"', true],
    [`zone == "it's"`, false],
  ])('%j', (text, expected) => {
    expect(matches(text, labels)).toBe(expected)
  })

  test.each<[string, boolean]>([
    ['has(zone) || has(zone) && has(absent)', true],
    ['(has(zone) || has(zone)) && has(absent)', false],
    ['has(absent) && has(absent) || has(zone)', true],
    ['!has(absent) && has(zone)', true],
    ['!(has(absent) && has(zone))', true],
    ['!zone == "eu-1"', false],
    ['!zone == "eu-1" || has(zone)', true],
    ['((((has(zone)))))', true],
  ])('or binds less than and, and less than not: %s', (text, expected) => {
    expect(matches(text, labels)).toBe(expected)
  })

  test('a label named like a member of every object is absent unless it is there', () => {
    expect(matches('has(constructor)', {})).toBe(false)
    expect(matches('constructor != "x"', {})).toBe(true)
    expect(matches('has(constructor)', { constructor: 'x' } as unknown as Labels)).toBe(true)
  })
})

describe('what is not a selector', () => {
  test.each<[string, number, string]>([
    ['zone', 4, 'expected an operator'],
    ['zone = "a"', 5, 'expected an operator'],
    ['zone == eu', 8, 'expected a quoted string'],
    ['zone == "eu', 8, 'expected a quoted string'],
    ['== "a"', 0, 'expected a label'],
    ['has(zone', 3, 'expected an operator'],
    ['has()', 3, 'expected an operator'],
    ['(has(zone)', 10, "expected '&&', '||' or ')'"],
    ['has(zone))', 9, "expected '&&', '||' or the end"],
    ['has(zone) has(zone)', 10, "expected '&&', '||' or the end"],
    ['has(zone) &&', 12, 'but the text ends'],
    ['has(zone) & has(zone)', 10, "expected '&&', '||' or the end"],
    ['|| has(zone)', 0, 'expected a label'],
    ['zone in "a"', 8, "expected '{'"],
    ['zone in {"a" "b"}', 13, "expected ',' or '}'"],
    ['zone in {,}', 9, "expected a quoted string or '}'"],
    ['zone in {"a"', 12, "expected ',' or '}'"],
    ['zone not {"a"}', 5, 'expected an operator'],
    ['zone starts "a"', 5, 'expected an operator'],
    ['global()', 0, "'global()'"],
    ['has(zone) && global( )', 13, "'global()'"],
    ['zone\n== "a"', 4, 'expected an operator'],
    ['ünïcode == "a"', 0, 'expected a label'],
    [`${'a'.repeat(513)} == "x"`, 0, 'expected a label'],
    [`${'('.repeat(300)}all()${')'.repeat(300)}`, 256, 'nested parentheses'],
    ['!', 1, 'but the text ends'],
  ])('%j fails at %i', (text, position, saying) => {
    const parsed = parseSelector(text)
    if (!isLeft(parsed)) throw new Error('parsed')
    expect(parsed.left.position).toBe(position)
    expect(parsed.left.message).toContain(saying)
    expect(parsed.left.message).toContain(`at position ${position}`)
  })

  test('the longest label and the deepest nesting that are allowed', () => {
    expect(matches(`!has(${'a'.repeat(512)})`, {})).toBe(true)
    expect(matches(`${'('.repeat(256)}all()${')'.repeat(256)}`, {})).toBe(true)
  })
})
