/**
 * A server that runs in the background: its own process group, its output in a log file, a bounded
 * wait until it is ready, a bounded stop. It dies with us, even if we are killed with -9.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { plainEnvironment } from './command.ts'
import { atEnd } from './teardown.ts'

export interface ProcessOptions {
  /** How messages call it. */
  readonly name: string
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly logFile: string
  /** Path of the network namespace it runs in; default: ours. */
  readonly netns?: string
  /** Added to PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunningProcess {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<Exit>
  isRunning(): boolean
  /** The last lines of its log. */
  tail(lines?: number): string
  /** To the whole group, e.g. SIGSTOP. Of a process that is gone: nothing. */
  signal(signal: NodeJS.Signals): void
  /** SIGTERM; SIGKILL if that does not end it in time. Resolves when it is gone. */
  stop(timeoutMs?: number): Promise<Exit>
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<Exit>
}

const stopTimeoutMsDefault = 10_000
const tailLinesDefault = 25

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error
  }
}

class Server implements RunningProcess {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<Exit>
  #isRunning = true

  constructor(options: ProcessOptions, child: ChildProcess, pid: number) {
    this.name = options.name
    this.logFile = options.logFile
    this.pid = pid
    const forget = atEnd(`${options.name} (process ${pid})`, () => signalGroup(pid, 'SIGKILL'))
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#isRunning = false
        // What it left in its group has no reason to live on.
        signalGroup(pid, 'SIGKILL')
        forget()
        resolve({ code, signal })
      })
    })
  }

  isRunning(): boolean {
    return this.#isRunning
  }

  tail(lines = tailLinesDefault): string {
    if (!existsSync(this.logFile)) return ''
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#isRunning) signalGroup(this.pid, signal)
  }

  async stop(timeoutMs = stopTimeoutMsDefault): Promise<Exit> {
    this.signal('SIGTERM')
    // A stopped process handles nothing, SIGTERM included.
    this.signal('SIGCONT')
    const timer = setTimeout(() => this.signal('SIGKILL'), timeoutMs)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL')
    return this.exited
  }
}

/** Resolves once it has been started; whether it works is for `waitUntil` to see. */
export const startProcess = async (options: ProcessOptions): Promise<RunningProcess> => {
  mkdirSync(dirname(options.logFile), { recursive: true })
  const log = openSync(options.logFile, 'a')
  // setpriv and nsenter replace themselves by what they start: the pid stays the same. nsenter
  // rather than `ip netns exec`, which hides the cgroup mounts behind a new /sys.
  const enter = options.netns === undefined ? [] : ['nsenter', `--net=${options.netns}`, '--']
  const argv = ['--pdeathsig', 'KILL', '--', ...enter, options.file, ...options.args]
  try {
    const child = spawn('setpriv', argv, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...plainEnvironment(), ...options.env },
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid as number))
      child.once('error', reject)
    })
    return new Server(options, child, pid)
  } finally {
    closeSync(log)
  }
}

export interface WaitOptions {
  /** Completes the sentence "... within N ms". */
  readonly what: string
  readonly timeoutMs: number
  readonly intervalMs?: number
  /** Without it there is nothing to wait for: when one of these ends, the wait fails at once. */
  readonly needs?: ReadonlyArray<RunningProcess>
}

/**
 * Asks again until the answer is neither false nor undefined, and returns it. A probe that throws
 * counts as "not yet"; its last error, and the end of the log, are in the message of a failure.
 */
export const waitUntil = async <T>(
  options: WaitOptions,
  probe: () => Promise<T | false | undefined> | T | false | undefined,
): Promise<T> => {
  const deadline = Date.now() + options.timeoutMs
  let last = ''
  const fail = (why: string): Error => {
    const logs = (options.needs ?? []).map((one) => `--- ${one.logFile}\n${one.tail()}`)
    return new Error([`${options.what}: ${why}`, last, ...logs].filter(Boolean).join('\n'))
  }
  for (;;) {
    const gone = options.needs?.find((one) => !one.isRunning())
    if (gone !== undefined) throw fail(`${gone.name} has ended`)
    try {
      const answer = await probe()
      if (answer !== false && answer !== undefined) return answer
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    if (Date.now() >= deadline) throw fail(`not within ${options.timeoutMs} ms`)
    await sleep(options.intervalMs ?? 50)
  }
}

/** A TCP port that was free a moment ago. */
export const freePort = (address = '127.0.0.1'): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, address, () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0))
    })
  })
