/** What a person reads about a run: one line when all is well, else the way to the failure. */
import type { RunResult } from './run.ts'

const traceLinesMax = 40

/** The last lines of the trace that speak of what the violation speaks of: addresses, handles, nodes. */
const relevant = ({ violations, trace }: RunResult): ReadonlyArray<string> => {
  const words =
    (violations[0] ?? '').match(/k8s-pod-network\.c\d+|\d+\.\d+\.\d+\.\d+(\/\d+)?/g) ?? []
  const about = trace.filter((line) => words.some((word) => line.includes(word)))
  return (about.length > 0 ? about : trace).slice(-traceLinesMax)
}

export const report = (result: RunResult): string => {
  const { seed, mode, calls, pods, violations } = result
  const world = `seed ${seed}, ${mode}: ${calls} calls, ${pods} pods`
  if (violations.length === 0) return `${world}: nothing wrong`
  return [
    `${world}: ${violations.length} violations`,
    ...violations.slice(0, 10).map((one) => `  ${one}`),
    ...relevant(result).map((line) => `    ${line}`),
    `replay: npm run sim -- --seed ${seed} --mode ${mode}`,
  ].join('\n')
}
