// Lines of a watch, in whatever pieces they arrive.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lines } from '../src/lines.ts'

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('every line comes back whole, whatever its characters', async () => {
  const line = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text))
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      async (all, size, ends) => {
        const text = all.join('\n') + (ends ? '\n' : '')
        const found: string[] = []
        for await (const one of lines(pieces(new TextEncoder().encode(text), size))) found.push(one)
        expect(found).toEqual(all)
      },
    ),
  )
})
