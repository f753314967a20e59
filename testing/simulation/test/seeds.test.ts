/** Fixed seeds, fresh ones, and the same course twice. */
import { describe, expect, test } from 'vitest'
import { modes, report, run, shrink } from '../src/index.ts'

const steps = 8000
const shrinkMs = 20_000

/** Fresh seeds are in the name of the test, so that they are printed. */
const fresh = [0, 1].map((n) => (Date.now() + n * 7919) % 1_000_000_000)

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
