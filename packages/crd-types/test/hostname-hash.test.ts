import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hostnameHash } from '../src/hostname-hash.ts'
import { sha3of256 } from '../src/sha3.ts'

test.each([
  ['node1', '7DS2CCNJGGLTHBDQLLFO6SX24SY2YDDEG3W2VN556FA2W4DLLV5A'],
  ['node2', 'TJAQ27XAEAQXV56C3FEK6IWR5LLIIQ4K7564XIBNVMUGUCPBHAAA'],
  [
    'ip-10-0-0-12.eu-west-1.compute.internal',
    'FJFBCGSL2V4FXSOZLBI6GYBMKNZPLHAMVHFP2NTEAXW5C63UVT4Q',
  ],
])('%s', (host, hash) => {
  expect(hostnameHash(host)).toBe(hash)
})

test('SHA3-256 agrees with the runtime for every length around the block size', () => {
  const length = fc.string({ unit: 'grapheme', maxLength: 300 })
  fc.assert(
    fc.property(length, (text) => {
      const expected = createHash('sha3-256').update(text, 'utf8').digest('hex')
      expect(Buffer.from(sha3of256(text)).toString('hex')).toBe(expected)
    }),
  )
  for (const size of [0, 1, 134, 135, 136, 137, 271, 272, 273]) {
    const expected = createHash('sha3-256').update('a'.repeat(size)).digest('hex')
    expect(Buffer.from(sha3of256('a'.repeat(size))).toString('hex')).toBe(expected)
  }
})
