/** How often a loop has run, by what the controller itself tells: for tests that nothing happens. */
import { expect } from 'vitest'
import type { Controller } from '../../src/run.ts'

const linesOf = async ({ port }: Controller): Promise<ReadonlyArray<string>> =>
  (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n')

const sumOf = (lines: ReadonlyArray<string>): number =>
  lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)

/** Over all labels. */
export const metricOf = async (controller: Controller, name: string): Promise<number> =>
  sumOf((await linesOf(controller)).filter((line) => line.startsWith(`${name}{`)))

const runsOf = async (controller: Controller, loop: string): Promise<number> => {
  const runs = (await linesOf(controller)).filter(
    (line) =>
      line.startsWith('hc_calico_controller_runs_total{') && line.includes(`loop="${loop}"`),
  )
  return sumOf(runs)
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
