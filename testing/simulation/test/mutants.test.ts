/** The checkers see: every deliberate bug is caught within a stated number of requests. */
import { describe, expect, test } from 'vitest'
import { run } from '../src/index.ts'
import { wrongDecisions } from './mutants/wrong-decisions.ts'
import { wrongWrites } from './mutants/wrong-writes.ts'

/** Requests before the traffic drains; what only the quiet end shows is seen after it. */
const stepsMax = 3000
/** Tried in this order; most are caught with the first. */
const seeds = [1, 2, 3, 4, 5, 6, 7, 8]

const mutants = [...wrongWrites, ...wrongDecisions]
const cases = mutants.flatMap(({ name, modes, parts }) =>
  modes.map((mode) => ({ name, mode, parts })),
)

describe('mutants', () => {
  test('there are enough of them', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBeGreaterThanOrEqual(25)
  })

  test.each(cases)('$name, on $mode', async ({ mode, parts }) => {
    for (const seed of seeds) {
      const { violations } = await run({ seed, mode, steps: stepsMax, parts })
      if (violations.length > 0) return
    }
    expect.fail(`not seen in ${seeds.length} runs of ${stepsMax} requests`)
  })
})
