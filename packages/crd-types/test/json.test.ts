import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidJSON, parseJSON, stringifyJSON } from '../src/json.ts'

const faultOf = (text: string): string => {
  try {
    parseJSON(text)
  } catch (error) {
    if (error instanceof InvalidJSON) return error.message
    throw error
  }
  return 'no fault'
}

describe('parseJSON', () => {
  test.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740991', -9007199254740991],
    ['-9007199254740993', -9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
    ['18446744073709551615', 18446744073709551615n],
    ['1785578400000000007', 1785578400000000007n],
    ['1234567890123456', 1234567890123456],
    ['1234567890123456789.5', Number('1234567890123456789.5')],
    ['1234567890123456e3', 1234567890123456e3],
    ['1e400', Number.POSITIVE_INFINITY],
    ['"12345678901234567890"', '12345678901234567890'],
    ['[1,null,true,{"a":"b"}]', [1, null, true, { a: 'b' }]],
    [
      '{"n":9223372036854775807,"s":"9223372036854775807"}',
      { n: 9223372036854775807n, s: '9223372036854775807' },
    ],
    ['{"a":9223372036854775807,"a":2}', { a: 2 }],
    ['{"a":1,"a":9223372036854775807}', { a: 9223372036854775807n }],
  ])('%s', (text, value) => {
    expect(parseJSON(text)).toEqual(value)
  })

  test('__proto__ is an ordinary key', () => {
    const parsed = parseJSON('{"__proto__":{"polluted":9223372036854775807}}') as object
    expect(Object.keys(parsed)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect('polluted' in parsed).toBe(false)
  })

  test.each([
    ['', 'not JSON: the text is empty at line 1 column 1'],
    [
      '{',
      'not JSON: expected a key in double quotes, found the end of the text at line 1 column 2',
    ],
    ['[1,2', 'not JSON: expected "," or "]", found the end of the text at line 1 column 5'],
    ['[1,]', 'not JSON: expected a value, found "]" at line 1 column 4'],
    ['{"a" 1}', 'not JSON: expected ":", found "1" at line 1 column 6'],
    ['{"a":1,}', 'not JSON: expected a key in double quotes, found "}" at line 1 column 8'],
    ['{"a":tru}', 'not JSON: expected a value, found "t" at line 1 column 6'],
    [
      '{\n  "a": 1,\n  b: 2\n}',
      'not JSON: expected a key in double quotes, found "b" at line 3 column 3',
    ],
    ['012', 'not JSON: expected nothing more, found "1" at line 1 column 2'],
    [
      '"a\nb"',
      'not JSON: expected a string character or closing quote, found "\\n" at line 1 column 3',
    ],
    ['{"a":00000000000000001}', 'not JSON: expected "," or "}", found "0" at line 1 column 7'],
    ['9223372036854775807x', 'not JSON: expected nothing more, found "x" at line 1 column 20'],
  ])('refuses %j with a position', (text, message) => {
    expect(faultOf(text)).toBe(message)
  })

  test('a document nested without end is refused, not a crash', () => {
    expect(faultOf(`${'['.repeat(1_000_000)}9223372036854775807`)).toMatch(/not JSON/)
  })
})

describe('stringifyJSON', () => {
  test.each([
    ['{"b":1,"a":[null,2,"x",true,{}]}', { b: 1, a: [null, 2n, 'x', true, {}] }],
    ['{"n":9223372036854775807}', { n: 9223372036854775807n }],
    ['{"b":1}', { a: undefined, b: 1 }],
    ['{"1":"a","10":"c","2":"b","z":1,"y":2}', { 2: 'b', 10: 'c', 1: 'a', z: 1, y: 2 }],
    ['0', -0],
    ['1e+21', 1e21],
  ])('%s', (text, value) => {
    expect(stringifyJSON(value)).toBe(text)
  })

  test('indents like JSON.stringify', () => {
    const value = { a: [1, { b: [] }], c: {}, d: 'x' }
    expect(stringifyJSON(value, { indentSpaces: 2 })).toBe(JSON.stringify(value, null, 2))
  })

  test("escapes what Go's encoder escapes, when asked", () => {
    const selector = { 'a&b': "x == '<y>' && z\u2028" }
    expect(stringifyJSON(selector)).toBe(JSON.stringify(selector))
    const escaped = '{"a\\u0026b":"x == \'\\u003cy\\u003e\' \\u0026\\u0026 z\\u2028"}'
    expect(stringifyJSON(selector, { escapeHTML: true })).toBe(escaped)
  })

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [[undefined]], [() => 1], [Symbol('s')]])(
    'refuses %s',
    (value) => {
      expect(() => stringifyJSON({ value })).toThrow(TypeError)
    },
  )
})

describe('laws', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n })
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      int64,
      fc.array(tie('node')),
      fc.dictionary(fc.string(), tie('node')),
    ),
  })).node

  test('every 64-bit integer comes back exactly', () => {
    fc.assert(
      fc.property(int64, (value) => {
        const back = parseJSON(`{"n":${value}}`) as { n: number | bigint }
        expect(BigInt(back.n)).toBe(value)
        expect(typeof back.n).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint')
      }),
    )
  })

  test('parse after write is the same text again', () => {
    fc.assert(
      fc.property(tree, fc.boolean(), (value, escapeHTML) => {
        const text = stringifyJSON(value, { escapeHTML })
        expect(stringifyJSON(parseJSON(text), { escapeHTML })).toBe(text)
      }),
    )
  })

  test('without long integers it is JSON.parse', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain = JSON.parse(text) as unknown
        if (!/\d{16}/.test(text)) expect(parseJSON(text)).toEqual(plain)
      }),
    )
  })

  test('accepts exactly what JSON.parse accepts, and the fault is inside the text', () => {
    const noise = fc.array(fc.constantFrom(...'{}[],:"\\0129-.eEtrufalsn \n'.split('')))
    fc.assert(
      fc.property(noise, (characters) => {
        const text = characters.join('')
        let valid = true
        try {
          JSON.parse(text)
        } catch {
          valid = false
        }
        expect(faultOf(text) === 'no fault').toBe(valid)
        expect(faultOf(text)).not.toContain('nested too deep')
      }),
      { numRuns: 1000 },
    )
  })
})
