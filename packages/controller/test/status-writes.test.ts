/** Which statuses are written: news at once, counts within a budget, nobody forgotten. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type CountBudget,
  fullBudget,
  defaultCountLimits as limits,
  type StatusWrite,
  statusWrites,
} from '../src/decisions/status-writes.ts'

const write = (key: string, isNews: boolean, writtenMs?: number): StatusWrite => ({
  ...{ key, isNews, writtenMs },
})
const spent: CountBudget = { left: 0, sinceMs: 100_000 }

test('news goes first, at once, and costs no budget', () => {
  const wanted = [write('counts', false), write('news', true, 99_999)]
  const { keys, budget } = statusWrites(wanted, { left: 1, sinceMs: 100_000 }, 100_000)
  expect(keys).toEqual(['news', 'counts'])
  expect(budget.left).toBe(0)
  expect(statusWrites(wanted, spent, 100_000).keys).toEqual(['news'])
})

test('counts of one service are told only now and then', () => {
  const at = (nowMs: number) => statusWrites([write('a', false, 50_000)], spent, nowMs).keys
  expect(at(50_000 + limits.sameMs - 1)).toEqual([])
  expect(statusWrites([write('a', false, 50_000)], fullBudget(0, limits), 60_000).keys).toEqual([
    'a',
  ])
})

test('who has waited longest goes first', () => {
  const wanted = [write('b', false, 20_000), write('c', false, 10_000), write('a', false)]
  const { keys } = statusWrites(wanted, { left: 2, sinceMs: 100_000 }, 100_000)
  expect(keys).toEqual(['a', 'c'])
})

test('law: over any time, no more counts than the budget gives, and all get their turn', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.integer({ min: 100, max: 5_000 }), { minLength: 50, maxLength: 300 }),
      (services, pauses) => {
        const written = new Map<string, number>()
        let budget = fullBudget(0, limits)
        let nowMs = 0
        let count = 0
        for (const pause of pauses) {
          nowMs += pause
          const wanted = Array.from({ length: services }, (_, i) =>
            write(`${i}`, false, written.get(`${i}`)),
          )
          const step = statusWrites(wanted, budget, nowMs)
          budget = step.budget
          for (const key of step.keys) written.set(key, nowMs)
          count += step.keys.length
        }
        expect(count).toBeLessThanOrEqual(limits.burst + (nowMs * limits.perSecond) / 1000)
        // Enough time for a round: everybody has been told.
        if (nowMs * limits.perSecond > services * 2_000) expect(written.size).toBe(services)
      },
    ),
  ))
