/** Runs one CNI plugin as libcni does: found on a path, parameters in its environment. */
import { spawn } from 'node:child_process'
import { constants, promises as fs } from 'node:fs'
import { delimiter, join } from 'node:path'

export type JSONObject = Readonly<Record<string, unknown>>

export interface CNIAttachment {
  readonly containerID: string
  /** Empty on a DEL after the sandbox is gone. */
  readonly netns: string
  readonly ifName: string
  /** CNI_ARGS in this order. */
  readonly args?: ReadonlyArray<readonly [key: string, value: string]>
  /** By capability; becomes runtimeConfig of the plugins that ask for it. */
  readonly capabilityArgs?: JSONObject
}

/** What a plugin printed and how it ended. */
export interface PluginRun {
  readonly plugin: string
  readonly command: string
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** A plugin that failed, with the error document it printed. */
export class CNIPluginError extends Error {
  readonly run: PluginRun
  readonly code: number | undefined
  readonly details: string | undefined
  constructor(run: PluginRun) {
    const document = documentOf(run.stdout)
    const said = document?.msg ?? (run.stderr.trim() || `exit code ${run.exitCode}`)
    super(`plugin type="${run.plugin}" failed (${run.command.toLowerCase()}): ${said}`)
    this.name = 'CNIPluginError'
    this.run = run
    this.code = typeof document?.code === 'number' ? document.code : undefined
    this.details = typeof document?.details === 'string' ? document.details : undefined
  }
}

export interface RunOptions {
  /** Directories that are searched for executables, first hit wins. */
  readonly path: ReadonlyArray<string>
  /** Command in front of the plugin, e.g. `['nsenter', '--net=/run/netns/node1']`. */
  readonly through?: ReadonlyArray<string>
  /** Environment of the runtime, which every plugin inherits. Default: PATH alone. */
  readonly env?: Readonly<Record<string, string>>
  /** Called after every plugin. */
  readonly onRun?: (run: PluginRun) => void
}

export const documentOf = (text: string): JSONObject | undefined => {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as JSONObject) : undefined
  } catch {
    return undefined
  }
}

const findPlugin = async (type: string, path: ReadonlyArray<string>): Promise<string> => {
  for (const directory of path) {
    const file = join(directory, type)
    const isThere = await fs.access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  throw new Error(`failed to find plugin ${JSON.stringify(type)} in path [${path.join(' ')}]`)
}

export interface Invocation {
  readonly command: string
  readonly plugin: string
  readonly stdin: JSONObject
  readonly attachment?: Partial<CNIAttachment>
}

const argsText = (args: CNIAttachment['args']): string =>
  (args ?? []).map(([key, value]) => `${key}=${value}`).join(';')

const environmentOf = (options: RunOptions, invocation: Invocation) => ({
  ...(options.env ?? { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' }),
  CNI_COMMAND: invocation.command,
  CNI_CONTAINERID: invocation.attachment?.containerID ?? '',
  CNI_NETNS: invocation.attachment?.netns ?? '',
  CNI_IFNAME: invocation.attachment?.ifName ?? '',
  CNI_ARGS: argsText(invocation.attachment?.args),
  CNI_PATH: options.path.join(delimiter),
})

/** Runs one plugin to its end. Rejects only when it cannot be started. */
const runPlugin = async (options: RunOptions, invocation: Invocation): Promise<PluginRun> => {
  const file = await findPlugin(invocation.plugin, options.path)
  const [command = file, ...args] = [...(options.through ?? []), file]
  const start = performance.now()
  const child = spawn(command, args, { env: environmentOf(options, invocation) })
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  // A plugin may end without reading its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify(invocation.stdin))
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const { command: verb, plugin } = invocation
  const run = { plugin, command: verb, exitCode, ...output, ms: performance.now() - start }
  options.onRun?.(run)
  return run
}

/** Rejects with CNIPluginError when the plugin fails. */
export const perform = async (options: RunOptions, invocation: Invocation): Promise<PluginRun> => {
  const run = await runPlugin(options, invocation)
  if (run.exitCode !== 0) throw new CNIPluginError(run)
  return run
}
