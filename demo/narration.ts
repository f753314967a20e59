/** What the demo says: numbered steps, facts below them, and an end as soon as one is wrong. */

/** Something is not as the demo says it is. */
export class DemoFailure extends Error {}

let steps = 0

export const title = (text: string): void => {
  process.stdout.write(`\n${text}\n`)
}

export const step = (text: string): void => {
  steps += 1
  process.stdout.write(`\n${String(steps).padEnd(3)}${text}\n`)
}

/** Two columns: what, and how it is. */
export const fact = (what: string, value: string): void => {
  process.stdout.write(`   ${what.padEnd(32)} ${value}\n`)
}

/** States a fact that must be `true`; otherwise the demo ends with the sentence `otherwise`. */
export const check = (what: string, isTrue: boolean, otherwise: string): void => {
  fact(what, isTrue ? 'ok' : 'NO')
  if (!isTrue) throw new DemoFailure(otherwise)
}
