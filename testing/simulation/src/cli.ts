/** `npm run sim -- --seed N [--steps N] [--mode etcd|kubernetes|local]`: replays one run. */
import { parseArgs } from 'node:util'
import { report } from './report.ts'
import { run } from './run.ts'
import type { Mode } from './simulated-store.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '50000' },
    mode: { type: 'string' },
  },
})
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
const modes = (
  values.mode === undefined ? ['etcd', 'kubernetes', 'local'] : [values.mode]
) as Mode[]
for (const mode of modes) {
  const began = performance.now()
  const result = await run({ seed, mode, steps: Number(values.steps) })
  const seconds = (performance.now() - began) / 1000
  console.log(report(result))
  console.log(
    `${seconds.toFixed(1)} s, ${Math.round((result.calls / seconds) * 60)} calls per minute`,
  )
  if (result.violations.length > 0) process.exitCode = 1
}
