import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { poolThresholds } from '../src/decisions/pool-thresholds.ts'

const fill = (used: bigint, total = 100n) => ({ pool: 'p', used, total })

describe('thresholds', () => {
  test.each([
    ['below all', undefined, 79n, undefined, []],
    ['reached', undefined, 80n, 80, ['80 reached']],
    ['jumps over one', 80, 100n, 100, ['100 reached']],
    ['within the margin: silent', 90, 86n, 90, []],
    ['left by the margin', 90, 84n, 80, ['90 left']],
    ['falls through all', 100, 10n, undefined, ['100 left']],
    ['an empty pool', undefined, 0n, undefined, []],
  ])('%s', (_name, before, used, level, said) => {
    const levels = new Map(before === undefined ? [] : [['p', before]])
    const next = poolThresholds([fill(used)], levels)
    expect(next.levels.get('p')).toBe(level)
    expect(next.events.map((one) => `${one.level} ${one.direction}`)).toEqual(said)
  })
  test('a swing within the margin never speaks twice', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(86n, 94n)), (swings) => {
        let levels = poolThresholds([fill(90n)], new Map()).levels
        for (const used of swings) {
          const next = poolThresholds([fill(used)], levels)
          expect(next.events).toEqual([])
          levels = next.levels
        }
      }),
    )
  })
  test('exact where numbers are not', () => {
    const total = 2n ** 64n
    expect(poolThresholds([fill(total - 1n, total)], new Map()).levels.get('p')).toBe(90)
    expect(poolThresholds([fill(total, total)], new Map()).levels.get('p')).toBe(100)
  })
})
