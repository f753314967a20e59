/**
 * The parameters a runtime passes in environment variables: which command needs which, and what
 * each may look like. Everything here ends up in paths, keys, interface names or logs, so nothing
 * that is not plainly a name gets past this file.
 */
import { CNIFailure, cniErrorCode } from './cni-error.ts'
import { type CNICommand, commands } from './spec-version.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Validated; a variable the command does not need is the empty text when it is not set. */
export interface CommandArgs {
  readonly command: CNICommand
  readonly containerID: string
  readonly netns: string
  readonly ifName: string
  /** CNI_ARGS as it came. */
  readonly args: string
  /** CNI_PATH as it came. */
  readonly path: string
}

type Variable = 'CNI_CONTAINERID' | 'CNI_NETNS' | 'CNI_IFNAME' | 'CNI_PATH'

const required: Readonly<Record<CNICommand, ReadonlyArray<Variable>>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
  VERSION: [],
}

/** Container ids longer than this cannot be one: runtimes use 64 characters. */
export const containerIDLengthMax = 253
const netnsLengthMax = 4095
/** IFNAMSIZ without its terminating zero, in bytes. */
const ifNameBytesMax = 15

const containerIDShape = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

/** Control characters, which could forge lines of a log. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/

const bad = (sentence: string) => new CNIFailure(cniErrorCode.invalidEnvironment, sentence)

export const isContainerID = (text: string): boolean =>
  text.length <= containerIDLengthMax && containerIDShape.test(text)

/** The kernel's rules for an interface name, as a complaint; undefined: it is one. */
export const interfaceNameProblem = (name: string): string | undefined => {
  if (name === '') return 'is empty'
  if (new TextEncoder().encode(name).length > ifNameBytesMax) return 'is longer than 15 bytes'
  if (name === '.' || name === '..') return 'is not a name'
  if (/[/:\s]/.test(name)) return 'contains "/", ":" or a space'
  if (controlCharacter.test(name)) return 'contains a control character'
  return undefined
}

/** A value as it may appear in a message: one line, bounded, quoted. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)

const missingVariables = (command: CNICommand, env: Environment): ReadonlyArray<string> =>
  required[command].filter((name) => (env[name] ?? '') === '')

const checkContainerID = (id: string): void => {
  if (id === '' || isContainerID(id)) return
  throw bad(
    `CNI_CONTAINERID ${quoted(id)} is not a container id: it must start with a letter or digit, ` +
      `continue with letters, digits, "_", "." or "-", and have at most ${containerIDLengthMax} characters`,
  )
}

const checkNetns = (netns: string): void => {
  if (netns === '') return
  if (netns.length > netnsLengthMax) throw bad('CNI_NETNS is longer than a path can be')
  if (controlCharacter.test(netns)) throw bad('CNI_NETNS contains a control character')
}

const checkIfName = (name: string): void => {
  if (name === '') return
  const problem = interfaceNameProblem(name)
  if (problem === undefined) return
  throw bad(`CNI_IFNAME ${quoted(name)} cannot be an interface name: it ${problem}`)
}

const commandOf = (env: Environment): CNICommand => {
  const asked = env.CNI_COMMAND ?? ''
  if (asked === '') throw bad('required env variables [CNI_COMMAND] missing')
  const known = commands.find((command) => command === asked)
  if (known !== undefined) return known
  throw bad(`unknown CNI_COMMAND: ${quoted(asked)}; known are ${commands.join(', ')}`)
}

/** Reads and validates the parameters. Throws code 4 naming every variable at fault. */
export const readCommandArgs = (env: Environment): CommandArgs => {
  const command = commandOf(env)
  const missing = missingVariables(command, env)
  if (missing.length > 0) throw bad(`required env variables [${missing.join(',')}] missing`)
  const containerID = env.CNI_CONTAINERID ?? ''
  const netns = env.CNI_NETNS ?? ''
  const ifName = env.CNI_IFNAME ?? ''
  if (command !== 'VERSION') {
    checkContainerID(containerID)
    checkNetns(netns)
    checkIfName(ifName)
  }
  const args = env.CNI_ARGS ?? ''
  return { command, containerID, netns, ifName, args, path: env.CNI_PATH ?? '' }
}

/**
 * CNI_ARGS, `key=value` pairs between semicolons. A key that appears twice keeps its last value, as
 * in libcni. Throws code 4 on text that is not of this form.
 */
export const parseCNIArgs = (text: string): ReadonlyMap<string, string> => {
  const pairs = new Map<string, string>()
  for (const part of text.split(';')) {
    if (part === '') continue
    const at = part.indexOf('=')
    if (at <= 0) {
      throw bad(
        `CNI_ARGS: invalid pair ${quoted(part)}; it must be a list of key=value between ";"`,
      )
    }
    const value = part.slice(at + 1)
    if (controlCharacter.test(value)) {
      throw bad(`CNI_ARGS: the value of ${quoted(part.slice(0, at))} contains a control character`)
    }
    pairs.set(part.slice(0, at), value)
  }
  return pairs
}
