/**
 * One line per event, to stderr or to a file that rotates; never to stdout, which belongs to the
 * protocol, and never the configuration document, which carries credentials. Lines have the form
 * that operators know from Calico. Writing is synchronous: the process lives for milliseconds, and
 * what it logged must be there when it is killed.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { LogConfig, LogLevel } from './config.ts'

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warning(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  close(): void
}

const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 }
const valueLengthMax = 512
const mebibyte = 1024 * 1024
const dayMs = 86_400_000

/** Quoted and bounded: a value from outside can neither start a new line nor fill the disk. */
const shown = (value: string | number | boolean): string => {
  if (typeof value !== 'string') return String(value)
  const bounded = value.length > valueLengthMax ? `${value.slice(0, valueLengthMax)}...` : value
  return JSON.stringify(bounded)
}

/** `2026-11-20 10:00:00.123 [INFO][4711] hc-calico: Assigned ip="10.0.0.1"` */
export const logLine = (
  at: Date,
  level: LogLevel,
  source: { readonly plugin: string; readonly pid: number },
  message: string,
  fields: LogFields = {},
): string => {
  const time = at.toISOString().replace('T', ' ').replace('Z', '')
  const pairs = Object.entries(fields)
    .filter((pair): pair is [string, string | number | boolean] => pair[1] !== undefined)
    .map(([key, value]) => ` ${key}=${shown(value)}`)
  const oneLine = message.replace(/[\r\n]+/g, ' ')
  return `${time} [${level.toUpperCase()}][${source.pid}] ${source.plugin}: ${oneLine}${pairs.join('')}\n`
}

/** Rotated files stand beside the log: `cni-2026-11-20T10-00-00.123.log`. */
const rotatedName = (file: string, at: Date): string =>
  join(dirname(file), `${stem(file)}-${at.toISOString().replace(/:/g, '-').replace('Z', '')}.log`)

const stem = (file: string): string => basename(file).replace(/\.log$/, '')

const removeOld = (file: string, config: LogConfig, now: Date): void => {
  const folder = dirname(file)
  const rotated = readdirSync(folder)
    .filter(
      (name) => name.startsWith(`${stem(file)}-`) && /-\d{4}-\d\d-\d\dT[\d.-]+\.log$/.test(name),
    )
    .sort()
    .reverse()
  rotated.forEach((name, i) => {
    const path = join(folder, name)
    const tooOld = now.getTime() - statSync(path).mtimeMs > config.ageDaysMax * dayMs
    if (i >= config.filesMax || tooOld) unlinkSync(path)
  })
}

const openForAppend = (file: string): number => openSync(file, 'a', 0o600)

/** Many processes share the file: whoever finds it full moves it away; losing that race is fine. */
const openRotated = (file: string, config: LogConfig, now: Date): number => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const fd = openForAppend(file)
  if (fstatSync(fd).size < config.sizeMBMax * mebibyte) return fd
  closeSync(fd)
  try {
    renameSync(file, rotatedName(file, now))
    removeOld(file, config, now)
  } catch {
    // Somebody else rotated it, or an old file could not be removed: the log goes on either way.
  }
  return openForAppend(file)
}

const stderrFD = 2

const openTarget = (config: LogConfig, now: Date): { fd: number; problem?: string } => {
  if (config.file === undefined) return { fd: stderrFD }
  try {
    return { fd: openRotated(config.file, config, now) }
  } catch (error) {
    return { fd: stderrFD, problem: (error as Error).message }
  }
}

const write = (fd: number, line: string): void => {
  try {
    writeSync(fd, line)
  } catch {
    // A full disk or a closed stderr must not fail a container's network.
  }
}

/** A logger for one call. A file that cannot be opened is reported once, on stderr. */
export const openLog = (
  config: LogConfig,
  source: { readonly plugin: string; readonly pid: number },
  now: () => Date = () => new Date(),
): Logger => {
  const { fd, problem } = openTarget(config, now())
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (rank[level] < rank[config.level]) return
      write(fd, logLine(now(), level, source, message, fields))
    }
  const log: Logger = {
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    error: at('error'),
    close: () => {
      if (fd !== stderrFD) closeSync(fd)
    },
  }
  if (problem !== undefined) log.warning('Cannot open the log file, logging here', { problem })
  return log
}

export const silentLog: Logger = {
  debug: () => {},
  info: () => {},
  warning: () => {},
  error: () => {},
  close: () => {},
}
