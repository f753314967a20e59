/** The checkers see: every deliberate bug is caught within a stated number of requests. */
import { describe, expect, test } from 'vitest'
import { run } from '../src/index.ts'
import { mutants } from './mutants.ts'

/** Requests before the traffic drains; what only the quiet end shows is seen after it. */
const stepsMax = 4000
const seed = 1

describe('mutants', () => {
  test.each(['etcd', 'kubernetes'] as const)(
    'without one, nothing is wrong on %s',
    async (mode) => {
      expect((await run({ seed, mode, steps: stepsMax })).violations).toEqual([])
    },
  )

  test.each(mutants)('$name, on $mode', async ({ mode, wrap }) => {
    const { violations } = await run({ seed, mode, steps: stepsMax, wrap })
    expect(violations).not.toEqual([])
  })
})
