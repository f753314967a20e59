/**
 * What must not outlive this process: processes, network namespaces, directories. Whoever makes one
 * registers how to remove it; whoever removes it in good order forgets it again. What is left when
 * the process ends (a failed test, Ctrl-C, a terminated runner) is removed then, newest first, and
 * synchronously, because nothing else runs in an exit handler.
 *
 * A process killed with -9 runs no handler. So every name carries the owner's pid (`ownedName`), and
 * the next owner removes what belongs to dead ones (`leftovers.ts`).
 */
import { randomBytes } from 'node:crypto'

interface Step {
  readonly what: string
  readonly run: () => void
}

const steps = new Set<Step>()
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
let isInstalled = false

const runAll = (): void => {
  for (const step of [...steps].reverse()) {
    steps.delete(step)
    try {
      step.run()
    } catch (error) {
      process.stderr.write(`could not remove ${step.what}: ${String(error)}\n`)
    }
  }
}

const endBySignal = (signal: NodeJS.Signals): void => {
  runAll()
  for (const one of endings) process.removeListener(one, endBySignal)
  process.kill(process.pid, signal)
}

const install = (): void => {
  if (isInstalled) return
  isInstalled = true
  process.on('exit', runAll)
  for (const signal of endings) process.on(signal, endBySignal)
}

/** Runs `run` when this process ends, unless the returned function is called first. */
export const atEnd = (what: string, run: () => void): (() => void) => {
  install()
  const step = { what, run }
  steps.add(step)
  return () => {
    steps.delete(step)
  }
}

const ownedPattern = /^hc-p(\d+)-/

/** A name nobody else uses, e.g. `hc-p4711-9f3a2c-node1`. */
export const ownedName = (label: string): string =>
  `hc-p${process.pid}-${randomBytes(3).toString('hex')}-${label}`

/** The pid inside such a name. */
export const ownerOf = (name: string): number | undefined => {
  const pid = ownedPattern.exec(name)?.[1]
  return pid === undefined ? undefined : Number(pid)
}
