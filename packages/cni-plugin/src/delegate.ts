/**
 * Runs another plugin's executable as libcni does: found on CNI_PATH, the same environment, the
 * configuration on stdin, its result or its error passed on unchanged.
 */
import { join } from 'node:path'
import type { Executed, Machine } from './machine.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import { type CommandArgs, type Environment, quoted } from './skel/command-args.ts'
import { readResult } from './skel/previous-result.ts'
import type { Result } from './skel/result.ts'
import type { CNICommand, SpecVersion } from './skel/spec-version.ts'

export interface DelegateCall {
  readonly plugin: string
  readonly command: CNICommand
  readonly args: CommandArgs
  /** The configuration document to hand over. */
  readonly document: Readonly<Record<string, unknown>>
}

const delegateMsMax = 120_000

/** Relative entries would be looked up in the working directory: skipped. */
const folders = (path: string): ReadonlyArray<string> =>
  path.split(':').filter((folder) => folder.startsWith('/'))

const find = async (machine: Machine, plugin: string, path: string): Promise<string> => {
  for (const folder of folders(path)) {
    const file = join(folder, plugin)
    if (await machine.isExecutable(file)) return file
  }
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    `failed to find plugin ${quoted(plugin)} in path [${folders(path).join(' ')}]`,
  )
}

const environmentFor = (machine: Machine, { command, args }: DelegateCall): Environment => ({
  ...machine.env,
  CNI_COMMAND: command,
  CNI_CONTAINERID: args.containerID,
  CNI_NETNS: args.netns,
  CNI_IFNAME: args.ifName,
  CNI_ARGS: args.args,
  CNI_PATH: args.path,
})

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The plugin's own error, as it printed it; without one, what else it said. */
const failureOf = (plugin: string, { exitCode, stdout, stderr }: Executed): CNIFailure => {
  const document = parsed(stdout)
  if (typeof document === 'object' && document !== null && 'code' in document) {
    const { code, msg, details } = document as { code?: unknown; msg?: unknown; details?: unknown }
    return new CNIFailure(
      typeof code === 'number' && Number.isInteger(code) ? code : cniErrorCode.internal,
      typeof msg === 'string' && msg !== ''
        ? msg
        : `plugin ${quoted(plugin)} failed without a message`,
      typeof details === 'string' && details !== '' ? { details } : {},
    )
  }
  const how =
    exitCode === null ? `did not end within ${delegateMsMax / 1000} s` : `exited with ${exitCode}`
  const said = stderr.trim() === '' ? '' : `: ${quoted(stderr.trim())}`
  return new CNIFailure(cniErrorCode.internal, `plugin ${quoted(plugin)} ${how}${said}`)
}

/** A file that is being replaced cannot be executed for a moment; libcni waits, too. */
const busyAttemptsMax = 5
const busyPauseMs = 1_000

const isBusy = (error: unknown): boolean => (error as { code?: string }).code === 'ETXTBSY'

const execute = async (machine: Machine, call: DelegateCall): Promise<Executed> => {
  const file = await find(machine, call.plugin, call.args.path)
  const execution = {
    file,
    env: environmentFor(machine, call),
    stdin: JSON.stringify(call.document),
    waitMsMax: delegateMsMax,
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await machine.execute(execution)
    } catch (error) {
      if (!isBusy(error) || attempt >= busyAttemptsMax) {
        throw new CNIFailure(
          cniErrorCode.ioFailure,
          `cannot execute ${file}: ${(error as Error).message}`,
          { cause: error },
        )
      }
      await machine.clock.sleep(busyPauseMs)
    }
  }
}

/** Runs a command that answers nothing. Rejects with the plugin's own error. */
export const delegate = async (machine: Machine, call: DelegateCall): Promise<void> => {
  const executed = await execute(machine, call)
  if (executed.exitCode !== 0) throw failureOf(call.plugin, executed)
}

/** Runs ADD and reads the result; one that states no version has the configuration's. */
export const delegateAdd = async (
  machine: Machine,
  call: DelegateCall,
  version: SpecVersion,
): Promise<Result> => {
  const executed = await execute(machine, call)
  if (executed.exitCode !== 0) throw failureOf(call.plugin, executed)
  const document = parsed(executed.stdout)
  if (document === undefined) {
    throw new CNIFailure(
      cniErrorCode.decodingFailure,
      `plugin ${quoted(call.plugin)} did not print a JSON result`,
    )
  }
  return readResult(document, version, `result of ${call.plugin}`)
}
