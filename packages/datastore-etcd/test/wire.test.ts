// Protocol buffers and gRPC frames: written and read again, in whatever pieces they arrive.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader, frame } from '../src/grpc-frames.ts'
import { encodeTransaction } from '../src/messages.ts'
import { fieldsOf, MessageWriter, signed, textOf } from '../src/wire.ts'

test('integers and texts come back', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.string(), (integer, text) => {
      const bytes = new MessageWriter().statedInteger(6, integer).text(300, text).finish()
      const [first, second] = [...fieldsOf(bytes)]
      expect([first?.number, first && signed(first)]).toEqual([6, integer])
      expect([second?.number, second && textOf(second)]).toEqual([300, text])
    }),
  )
})

test('what is not known is skipped: 64-bit and 32-bit fields', () => {
  const fixed = [(5 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8, (6 << 3) | 5, 1, 2, 3, 4]
  const known = new MessageWriter().integer(1, 9).finish()
  const fields = [...fieldsOf(Uint8Array.from([...fixed, ...known]))]
  expect(fields.map(({ number, integer }) => [number, integer])).toEqual([[1, 9n]])
})

test.each([
  ['cut in a length', [0x0a]],
  ['cut in a text', [0x0a, 5, 65]],
  ['cut in an integer', [0x08, 0xff]],
  ['of a wire type nobody uses', [0x0b]],
])('a message %s is refused', (_, bytes) => {
  expect(() => [...fieldsOf(Uint8Array.from(bytes))]).toThrow('not valid protobuf')
})

test('a comparison with revision 0 states it: it means that the key must not exist', () => {
  const compare = [{ key: 'k', modRevision: 0n }]
  const bytes = encodeTransaction({ compare, success: [], failure: [] })
  const [comparison] = [...fieldsOf(bytes)]
  const fields = [...fieldsOf(comparison?.bytes ?? new Uint8Array())]
  expect(fields.map(({ number, integer }) => [number, integer])).toContainEqual([6, 0n])
})

test('frames come back from any pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 17 }),
      (messages, piece) => {
        const all = Buffer.concat(messages.map(frame))
        const reader = new FrameReader()
        for (let at = 0; at < all.length; at += piece) reader.push(all.subarray(at, at + piece))
        expect(reader.frames.map((one) => [...one])).toEqual(messages.map((one) => [...one]))
      },
    ),
  )
})
