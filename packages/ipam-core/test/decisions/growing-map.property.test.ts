import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyGrowingMap, type GrowingMap } from '../../src/decisions/growing-map.ts'

const key = fc.nat(30).map(String)
const entries = fc.array(fc.tuple(key, fc.option(fc.nat(), { nil: undefined })), { maxLength: 8 })

test('a grown map answers as a map does, and the one it grew from as before', () => {
  fc.assert(
    fc.property(fc.array(entries, { maxLength: 40 }), (steps) => {
      const plain = new Map<string, number | undefined>()
      let growing: GrowingMap<number | undefined> = emptyGrowingMap()
      const history = steps.map((step) => {
        for (const [name, value] of step) plain.set(name, value)
        growing = growing.grown(step)
        return { growing, plain: new Map(plain) }
      })
      for (const moment of history) {
        for (let name = 0; name <= 31; name += 1) {
          expect(moment.growing.has(String(name))).toBe(moment.plain.has(String(name)))
          expect(moment.growing.get(String(name))).toBe(moment.plain.get(String(name)))
        }
      }
    }),
  )
})
