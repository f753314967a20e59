/** Runs a program to its end, within a bounded time. */
import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly timeoutMs?: number
  /** Written to its standard input. */
  readonly input?: string
  /** The whole environment; default: PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface CommandResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const commandTimeoutMsDefault = 30_000

/** Nothing of the tester's own settings (proxies, NODE_OPTIONS) reaches what the tests start. */
export const plainEnvironment = (): Readonly<Record<string, string>> => ({
  PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: process.env.HOME ?? '/root',
})

/** Resolves however it ends; rejects when it cannot be started or takes too long. */
export const tryCommand = (
  file: string,
  args: ReadonlyArray<string>,
  options: CommandOptions = {},
): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? commandTimeoutMsDefault
    const env = options.env ?? plainEnvironment()
    const child = spawn(file, args, { env, ...(options.cwd ? { cwd: options.cwd } : {}) })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text
      })
    }
    const shown = [file, ...args].join(' ').slice(0, 300)
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${shown}: not done within ${timeoutMs} ms\n${output.stderr}`))
    }, timeoutMs)
    // A program may end without reading its input.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(new Error(`${shown}: ${error.message}`, { cause: error }))
    })
    child.on('close', (exitCode) => {
      clearTimeout(timer)
      resolve({ exitCode, ...output })
    })
  })

/** Its standard output. Rejects when it fails, with what it said. */
export const command = async (
  file: string,
  args: ReadonlyArray<string>,
  options: CommandOptions = {},
): Promise<string> => {
  const { exitCode, stdout, stderr } = await tryCommand(file, args, options)
  if (exitCode === 0) return stdout
  const said = stderr.trim() || stdout.trim() || 'it said nothing'
  throw new Error(`${[file, ...args].join(' ').slice(0, 300)}: exit code ${exitCode}: ${said}`)
}
