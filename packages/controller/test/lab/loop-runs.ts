/** How often a loop has run, by what the controller itself tells: for tests that nothing happens. */
import { expect } from 'vitest'
import type { Controller } from '../../src/run.ts'

const runsOf = async ({ port }: Controller, loop: string): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('hc_calico_controller_runs_total{'))
  const own = lines.filter((line) => line.includes(`loop="${loop}"`))
  return own.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** Resolves when the loop has begun and ended this many more runs. */
export const afterRuns = async (
  controller: Controller,
  loop: string,
  more: number,
): Promise<void> => {
  const before = await runsOf(controller, loop)
  await expect
    .poll(() => runsOf(controller, loop), { timeout: 40_000, interval: 100 })
    .toBeGreaterThan(before + more)
}
