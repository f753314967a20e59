/** Fixed seeds, fresh ones, and the same course twice. */
import { describe, expect, test } from 'vitest'
import { modes, report, run, shrink } from '../src/index.ts'

const steps = 8000
const shrinkMs = 20_000

/** A fresh seed is in the name of the test, so that it is printed. By hand there is no end to them. */
const fresh = [Date.now() % 1_000_000_000]

describe.each(modes)('%s', (mode) => {
  test.each([1, 2, 3, 4, ...fresh])(
    'seed %i',
    async (seed) => {
      const options = { seed, mode, steps }
      const result = await run(options)
      if (result.violations.length === 0) return
      const shrunk = await shrink(options, result, shrinkMs)
      expect.fail(`${report(result, options)}\n${report(shrunk.result, shrunk.options)}`)
    },
    60_000,
  )
})

test('one seed has one course', async () => {
  const once = await run({ seed: 5, mode: 'kubernetes', steps: 2000 })
  const again = await run({ seed: 5, mode: 'kubernetes', steps: 2000 })
  expect(again.trace).toEqual(once.trace)
})
