import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { poolThresholds } from '../src/decisions/pool-thresholds.ts'
import { type RetentionSituation, retentionVerdict } from '../src/decisions/retention.ts'

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

describe('retention', () => {
  const whileSet = { tag: 'WhileSetExists' } as const
  const onScaleDown = { tag: 'ReleaseOnScaleDown' } as const
  const base: RetentionSituation = {
    ordinal: 2,
    inUse: false,
    set: undefined,
    recordedPolicy: whileSet,
    absentSinceMs: 0,
    nowMs: 60_000,
    graceMs: 60_000,
  }
  const set = { policy: whileSet, replicas: 1, firstOrdinal: 0 }
  test.each([
    ['a pod exists', { ...base, inUse: true }, 'Keep'],
    ['scaled down, default', { ...base, set }, 'Keep'],
    ['scaled down, released on it', { ...base, set: { ...set, policy: onScaleDown } }, 'Release'],
    [
      'scaled down, first sight',
      { ...base, set: { ...set, policy: onScaleDown }, absentSinceMs: undefined },
      'Watch',
    ],
    [
      'wanted, pod not there yet',
      { ...base, set: { ...set, policy: onScaleDown, replicas: 3 } },
      'Keep',
    ],
    [
      'wanted by spec.ordinals.start',
      { ...base, set: { ...set, policy: onScaleDown, firstOrdinal: 2 } },
      'Keep',
    ],
    [
      'below spec.ordinals.start',
      { ...base, set: { ...set, policy: onScaleDown, firstOrdinal: 3 } },
      'Release',
    ],
    ['set gone, grace over', base, 'Release'],
    ['set gone, within grace', { ...base, nowMs: 59_999 }, 'Watch'],
    [
      'set gone, kept for an hour',
      { ...base, recordedPolicy: { tag: 'KeepAfterSet', ms: 3.6e6 } as const },
      'Watch',
    ],
    [
      'the hour is over',
      { ...base, recordedPolicy: { tag: 'KeepAfterSet', ms: 3.6e6 } as const, nowMs: 3.6e6 },
      'Release',
    ],
    ['for ever', { ...base, recordedPolicy: { tag: 'Forever' } as const, nowMs: 1e15 }, 'Keep'],
  ])('%s', (_name, situation, tag) => {
    expect(retentionVerdict(situation).tag).toBe(tag)
  })
  test('a first sight never releases, without any grace time neither', () => {
    const first = { ...base, absentSinceMs: undefined, graceMs: 0 }
    expect(retentionVerdict(first).tag).toBe('Watch')
  })
  test('made anew within the time: the absence is forgotten, and starts again', () => {
    expect(retentionVerdict({ ...base, set })).toEqual({ tag: 'Keep' })
    expect(retentionVerdict({ ...base, absentSinceMs: undefined })).toEqual({
      tag: 'Watch',
      sinceMs: 60_000,
      untilMs: 120_000,
    })
  })
})
