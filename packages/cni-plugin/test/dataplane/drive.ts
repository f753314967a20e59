/**
 * Run by Bun, in the namespace that plays the host: performs dataplane calls read as JSON from
 * stdin and answers one JSON line for each. The e2e tests look at the kernel with iproute2.
 */
import { readFileSync } from 'node:fs'
import type { Dataplane } from '../../src/dataplane/dataplane.ts'
import { createLinuxDataplane } from '../../src/dataplane/linux/index.ts'

export type DrivenCall = {
  [M in keyof Dataplane]: { readonly method: M; readonly argument: Parameters<Dataplane[M]>[0] }
}[keyof Dataplane]

export interface DrivenAnswer {
  readonly value?: unknown
  readonly error?: string
  readonly notes: ReadonlyArray<string>
  readonly ms: number
}

const notes: string[] = []
const dataplane = createLinuxDataplane({
  debug: (message) => notes.push(message),
  warning: (message) => notes.push(message),
})

const perform = async (call: DrivenCall): Promise<DrivenAnswer> => {
  const start = performance.now()
  const method = dataplane[call.method] as (argument: unknown) => Promise<unknown>
  const outcome = await method(call.argument).then(
    (value) => ({ value }),
    (error: Error) => ({ error: error.message }),
  )
  return { ...outcome, notes: notes.splice(0), ms: performance.now() - start }
}

const calls = JSON.parse(readFileSync(0, 'utf8')) as ReadonlyArray<DrivenCall>
for (const call of calls) console.log(JSON.stringify(await perform(call)))
