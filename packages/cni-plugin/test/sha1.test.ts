/** SHA-1 against the runtime's. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha1Hex } from '../src/sha1.ts'

const expected = (text: string): string => createHash('sha1').update(text).digest('hex')

test('the vector of the standard', () => {
  expect(sha1Hex('abc')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
})

test('every length around the ends of blocks', () => {
  for (let length = 0; length < 200; length += 1) {
    const text = 'a'.repeat(length)
    expect(sha1Hex(text)).toBe(expected(text))
  }
})

test('any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(sha1Hex(text)).toBe(expected(text))
    }),
  )
})
