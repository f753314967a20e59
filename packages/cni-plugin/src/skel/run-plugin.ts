/**
 * Runs one call of a plugin from its environment to its exit code: the whole protocol, no word of
 * what the plugin does. Everything it touches is passed in, so that tests run it in process.
 */
import { CNIFailure, cniErrorCode, errorDocument, toFailure } from './cni-error.ts'
import {
  type CommandArgs,
  type Environment,
  parseCNIArgs,
  readCommandArgs,
} from './command-args.ts'
import { type NetConf, parseDocument, readNetConf, stdinBytesMax, versionOf } from './net-conf.ts'
import { type Result, resultDocument } from './result.ts'
import {
  type CNICommand,
  commandSince,
  isAtLeast,
  newestVersion,
  type SpecVersion,
  supportedVersions,
  versionReply,
} from './spec-version.ts'

/** One call, validated as far as the protocol goes. */
export interface PluginCall {
  readonly args: CommandArgs
  readonly cniArgs: ReadonlyMap<string, string>
  readonly conf: NetConf
  readonly env: Environment
}

/** A plugin: each command resolves, or rejects with CNIFailure. */
export interface Plugin {
  readonly name: string
  readonly version: string
  add(call: PluginCall): Promise<Result>
  del(call: PluginCall): Promise<void>
  check(call: PluginCall): Promise<void>
  status(call: PluginCall): Promise<void>
  gc(call: PluginCall): Promise<void>
}

/** The process around the plugin. */
export interface PluginIO {
  /** Arguments after the program's name. */
  readonly argv: ReadonlyArray<string>
  readonly env: Environment
  /** Everything on stdin as UTF-8; rejects when it is longer than `bytesMax` or not UTF-8. */
  readStdin(bytesMax: number): Promise<string>
  writeStdout(text: string): void
  writeStderr(text: string): void
}

const usage = (plugin: Plugin): string =>
  `${plugin.name} ${plugin.version}: a CNI plugin; a container runtime calls it with CNI_COMMAND set.\n` +
  `CNI protocol versions supported: ${supportedVersions.join(', ')}\n`

const exitOK = 0
const exitFailure = 1

const answerArguments = (plugin: Plugin, io: PluginIO): number => {
  const [first = ''] = io.argv
  if (first === '-v' || first === '--version') {
    io.writeStdout(`${plugin.version}\n`)
    return exitOK
  }
  io.writeStderr(`unknown argument ${JSON.stringify(first)}\n${usage(plugin)}`)
  const code = cniErrorCode.internal
  io.writeStdout(
    asLine(errorDocument(new CNIFailure(code, 'failed to parse CLI flags'), newestVersion)),
  )
  return exitFailure
}

const asLine = (document: object): string => `${JSON.stringify(document)}\n`

const readDocument = async (io: PluginIO) => {
  let stdin: string
  try {
    stdin = await io.readStdin(stdinBytesMax)
  } catch (error) {
    throw new CNIFailure(
      cniErrorCode.ioFailure,
      `failed to read the network configuration from stdin: ${(error as Error).message}`,
      { cause: error },
    )
  }
  return parseDocument(stdin)
}

const refuseTooNew = (command: CNICommand, version: SpecVersion): void => {
  const since = commandSince[command]
  if (isAtLeast(version, since)) return
  throw new CNIFailure(
    cniErrorCode.incompatibleVersion,
    `config version does not allow ${command}: it came with CNI ${since}, and the configuration says ${version}`,
  )
}

const perform = async (plugin: Plugin, call: PluginCall): Promise<Result | undefined> => {
  switch (call.args.command) {
    case 'ADD':
      return plugin.add(call)
    case 'DEL':
      await plugin.del(call)
      return undefined
    case 'CHECK':
      if (call.conf.prevResult === undefined) {
        throw new CNIFailure(
          cniErrorCode.invalidNetworkConfig,
          'invalid network configuration: prevResult is missing: CHECK compares the container with it',
        )
      }
      await plugin.check(call)
      return undefined
    case 'STATUS':
      await plugin.status(call)
      return undefined
    case 'GC':
      await plugin.gc(call)
      return undefined
    case 'VERSION':
      throw new Error('bug: VERSION is answered before')
  }
}

/** VERSION is answered whatever stands on stdin: it is how a runtime finds out what we speak. */
const answerVersion = async (io: PluginIO): Promise<number> => {
  let asked: unknown
  try {
    asked = (await readDocument(io)).cniVersion
  } catch {
    asked = undefined
  }
  io.writeStdout(asLine(versionReply(typeof asked === 'string' ? asked : undefined)))
  return exitOK
}

const runCommand = async (
  plugin: Plugin,
  io: PluginIO,
  onVersion: (version: SpecVersion) => void,
): Promise<number> => {
  const args = readCommandArgs(io.env)
  if (args.command === 'VERSION') return answerVersion(io)
  const raw = await readDocument(io)
  const version = versionOf(raw)
  onVersion(version)
  refuseTooNew(args.command, version)
  const conf = readNetConf(raw, version, args.command)
  const cniArgs = parseCNIArgs(args.args)
  const result = await perform(plugin, { args, cniArgs, conf, env: io.env })
  if (result !== undefined) io.writeStdout(asLine(resultDocument(result, version)))
  return exitOK
}

/** Runs one call and answers the exit code. Never rejects, writes at most one document to stdout. */
export const runPlugin = async (plugin: Plugin, io: PluginIO): Promise<number> => {
  if (io.argv.length > 0) return answerArguments(plugin, io)
  let version: SpecVersion = newestVersion
  try {
    return await runCommand(plugin, io, (stated) => {
      version = stated
    })
  } catch (thrown) {
    if ((io.env.CNI_COMMAND ?? '') === '') io.writeStderr(usage(plugin))
    io.writeStdout(asLine(errorDocument(toFailure(thrown), version)))
    return exitFailure
  }
}
