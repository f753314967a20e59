/** Lines of JSON, one per fact, for whoever collects the process's standard error. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error'

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warning(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export const logLevels: ReadonlyArray<LogLevel> = ['debug', 'info', 'warning', 'error']

/** Writes what is at least as grave as `level`. `write` gets whole lines. */
export const createLog = (
  level: LogLevel,
  write: (line: string) => void,
  now: () => number = Date.now,
): Log => {
  const least = logLevels.indexOf(level)
  const at =
    (own: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (logLevels.indexOf(own) < least) return
      const time = new Date(now()).toISOString()
      write(`${JSON.stringify({ time, level: own, message, ...fields })}\n`)
    }
  return { debug: at('debug'), info: at('info'), warning: at('warning'), error: at('error') }
}

export const silentLog: Log = createLog('error', () => undefined)

/** What was thrown, as one line. */
export const reasonOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)
