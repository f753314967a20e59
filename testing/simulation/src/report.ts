/** What a person reads about a run: one line when all is well, else the way to the failure. */
import type { RunOptions, RunResult } from './run.ts'

const traceLinesMax = 60

/** The last lines of the trace that speak of what the violation speaks of: addresses, handles, nodes. */
const relevant = ({ violations, trace }: RunResult): ReadonlyArray<string> => {
  if (trace.length <= traceLinesMax) return trace
  const names = /(k8s-pod-network|hc-fixed)[\w.-]+|\d+\.\d+\.\d+\.\d+(\/\d+)?|fd00::[\da-f]*/g
  const words = (violations[0]?.words ?? '').match(names) ?? []
  const about = trace.filter((line) => words.some((word) => line.includes(word)))
  return (about.length > 0 ? about : trace).slice(-traceLinesMax)
}

/** The command that takes exactly this course again. */
const replay = (result: RunResult, options: RunOptions): string => {
  const { seed, mode, steps, events, onlyMishaps } = options
  const some = events === undefined ? '' : ` --events ${[...events].join(',')}`
  const wrong = onlyMishaps === undefined ? '' : ` --faults ${result.mishaps.join(',') || 'none'}`
  return `npm run sim -- --seed ${seed} --mode ${mode} --steps ${steps}${some}${wrong}`
}

export const report = (result: RunResult, options: RunOptions): string => {
  const { seed, mode, calls, events, violations } = result
  const world = `seed ${seed}, ${mode}: ${calls} requests, ${events.length} events`
  if (violations.length === 0) return `${world}: nothing wrong`
  return [
    `${world}: ${violations.length} violations`,
    ...violations.slice(0, 10).map(({ law, words }) => `  ${law}: ${words}`),
    ...relevant(result).map((line) => `    ${line}`),
    `replay: ${replay(result, options)}`,
  ].join('\n')
}
