/**
 * `npm run sim`: runs seeds until one fails or the time is over, shrinks what failed, and says how to
 * see it again. `--seed N` replays one run; `--events` and `--faults`, as a report prints them, only
 * a part of it.
 */
import { parseArgs } from 'node:util'
import { report } from './report.ts'
import { type RunOptions, run } from './run.ts'
import { shrink } from './shrink.ts'
import { type Mode, modes } from './store/simulated-store.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string', default: '20000' },
    mode: { type: 'string' },
    minutes: { type: 'string' },
    events: { type: 'string' },
    faults: { type: 'string' },
    'shrink-seconds': { type: 'string', default: '60' },
  },
})

const first = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
const wanted = values.mode === undefined ? modes : [values.mode as Mode]
const untilMs = performance.now() + Number(values.minutes ?? 0) * 60_000
const cpuSeconds = (): number => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6

const optionsFor = (seed: number, mode: Mode): RunOptions => ({
  seed,
  mode,
  steps: Number(values.steps),
  ...(values.events === undefined
    ? {}
    : { events: new Set(values.events.split(',').filter(Boolean).map(Number)) }),
  ...(values.faults === undefined ? {} : { onlyMishaps: new Set(values.faults.split(',')) }),
})

let [calls, runs] = [0, 0]
const once = async (seed: number, mode: Mode): Promise<boolean> => {
  const options = optionsFor(seed, mode)
  const result = await run(options)
  calls += result.calls
  runs += 1
  if (result.violations.length === 0) {
    if (values.minutes === undefined) console.log(report(result, options))
    return true
  }
  console.log(report(result, options))
  const seconds = Number(values['shrink-seconds'])
  if (seconds > 0 && values.events === undefined) {
    const shrunk = await shrink(options, result, seconds * 1000)
    console.log(`\nshrunk in ${shrunk.runs} runs to ${shrunk.result.events.length} events:`)
    for (const [index, name] of shrunk.result.events) console.log(`  ${index}: ${name}`)
    console.log(report(shrunk.result, shrunk.options))
  }
  return false
}

const began = cpuSeconds()
let isSound = true
for (let seed = first; isSound; seed += 1) {
  for (const mode of wanted) if (isSound) isSound = await once(seed, mode)
  if (performance.now() >= untilMs) break
}
const used = cpuSeconds() - began
const rate = Math.round((calls / used) * 60)
console.log(`${runs} runs from seed ${first}, ${calls} requests, ${rate} per minute of one core`)
if (!isSound) process.exitCode = 1
