/**
 * The network configuration a runtime writes to stdin: the fields every plugin has. A plugin reads
 * its own fields from `raw` with a codec of its own (see src/config.ts).
 */
import { isLeft } from 'fp-ts/lib/Either.js'
import { CNIFailure, cniErrorCode } from './cni-error.ts'
import { anyObject, fieldsWith, listOf, sentences, text, textThat, withoutNulls } from './codecs.ts'
import { isContainerID, quoted } from './command-args.ts'
import { readResult } from './previous-result.ts'
import type { Result } from './result.ts'
import {
  type CNICommand,
  isSupportedVersion,
  type SpecVersion,
  supportedVersions,
  versionWhenMissing,
} from './spec-version.ts'

/** One attachment that is still alive, as GC gets them in `cni.dev/valid-attachments`. */
export interface Attachment {
  readonly containerID: string
  readonly ifName: string
}

export interface NetConf {
  readonly cniVersion: SpecVersion
  /** Network name; empty only where the command does not need one (VERSION). */
  readonly name: string
  /** `type`: the name of the main plugin, also when an IPAM plugin reads it. */
  readonly type: string | undefined
  readonly prevResult: Result | undefined
  /** Only with GC. */
  readonly validAttachments: ReadonlyArray<Attachment> | undefined
  /** The whole document, without nulls. It may carry credentials: never log it. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** Much more than runtimes write: annotations and attachments of a full node stay below 1 MiB. */
export const stdinBytesMax = 16 * 1024 * 1024
const networkNameLengthMax = 128

export const networkName = textThat(
  `text of at most ${networkNameLengthMax} letters, digits, "_", "." and "-" that starts with a letter or digit`,
  (name) => name.length <= networkNameLengthMax && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name),
)

const containerID = textThat('a container id', isContainerID)
const attachment = fieldsWith({ containerID }, { ifname: text })
const common = fieldsWith({ name: networkName }, { type: text, prevResult: anyObject })
const attachments = fieldsWith({ 'cni.dev/valid-attachments': listOf(attachment) }, {})

const invalid = (problems: ReadonlyArray<string>): CNIFailure =>
  new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    `invalid network configuration: ${problems.join('; ')}`,
  )

/** The document as an object. Throws code 6. Nothing of it is quoted: it may carry credentials. */
export const parseDocument = (stdin: string): Readonly<Record<string, unknown>> => {
  const undecodable = (why: string) =>
    new CNIFailure(
      cniErrorCode.decodingFailure,
      `failed to decode the network configuration on stdin: ${why}`,
    )
  if (stdin.trim() === '') throw undecodable('it is empty')
  let parsed: unknown
  try {
    parsed = withoutNulls(JSON.parse(stdin))
  } catch (error) {
    throw undecodable(
      error instanceof SyntaxError ? 'it is not JSON' : `it ${String((error as Error).message)}`,
    )
  }
  if (!anyObject.is(parsed)) throw undecodable('it is not a JSON object')
  return parsed
}

/** The version the document states. Throws code 1 for one this library does not speak. */
export const versionOf = (raw: Readonly<Record<string, unknown>>): SpecVersion => {
  const stated = raw.cniVersion
  if (stated === undefined || stated === '') return versionWhenMissing
  if (typeof stated !== 'string') throw invalid(['cniVersion must be text'])
  if (isSupportedVersion(stated)) return stated
  throw new CNIFailure(
    cniErrorCode.incompatibleVersion,
    `unsupported CNI version ${quoted(stated)}: this plugin speaks ${supportedVersions.join(', ')}`,
    {
      details: `config is ${quoted(stated)}, plugin supports ${JSON.stringify(supportedVersions)}`,
    },
  )
}

const readAttachments = (raw: Readonly<Record<string, unknown>>): ReadonlyArray<Attachment> => {
  const decoded = attachments.decode(raw)
  if (isLeft(decoded)) throw invalid(sentences(decoded.left, 'the document'))
  return decoded.right['cni.dev/valid-attachments'].map((one) => ({
    containerID: one.containerID,
    ifName: one.ifname ?? '',
  }))
}

/** To DEL the previous result is a hint at most: one nobody can read must not make it fail for ever. */
const readPrevious = (
  value: object | undefined,
  cniVersion: SpecVersion,
  command: CNICommand,
): Result | undefined => {
  if (value === undefined) return undefined
  try {
    return readResult(value, cniVersion, 'prevResult')
  } catch (error) {
    if (command === 'DEL') return undefined
    throw error
  }
}

/** Reads the common fields. Throws code 6, 7 or 1. */
export const readNetConf = (
  raw: Readonly<Record<string, unknown>>,
  cniVersion: SpecVersion,
  command: CNICommand,
): NetConf => {
  const decoded = common.decode(raw)
  if (isLeft(decoded)) throw invalid(sentences(decoded.left, 'the document'))
  const { name, type, prevResult } = decoded.right
  return {
    cniVersion,
    name,
    type,
    prevResult: readPrevious(prevResult, cniVersion, command),
    validAttachments: command === 'GC' ? readAttachments(raw) : undefined,
    raw,
  }
}
