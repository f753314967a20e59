/**
 * From the process to a plugin call: which plugin the executable was called as, and its standard
 * streams. The name comes from argv[0] as the caller wrote it (a symbolic link keeps its own), which
 * a compiled executable learns from /proc only.
 */
import { readFileSync, readSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { realMachine } from '../machine/real-machine.ts'
import { pluginNamed, pluginNames } from '../plugins.ts'
import { type PluginIO, runPlugin } from '../skel/run-plugin.ts'

const calledAs = (): string => {
  try {
    const [first = ''] = readFileSync('/proc/self/cmdline', 'utf8').split('\0')
    return basename(first)
  } catch {
    return ''
  }
}

const chunkBytes = 65_536

/** Synchronous: it is one short document, and the stream machinery costs milliseconds of start. */
const readStdin = async (bytesMax: number): Promise<string> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  while (bytes <= bytesMax) {
    const chunk = new Uint8Array(chunkBytes)
    const read = readChunk(chunk)
    if (read === 0) return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    chunks.push(chunk.subarray(0, read))
    bytes += read
  }
  throw new Error(`it is longer than ${bytesMax} bytes`)
}

const codeOf = (error: unknown): string | undefined => (error as { code?: string }).code

const pauseMs = 1
const pausesMax = 60_000

/** Somebody may hand us a stream that does not block; there is nothing else to do meanwhile. */
const retried = (attempt: () => number): number => {
  for (let pauses = 0; ; pauses += 1) {
    try {
      return attempt()
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN' || pauses >= pausesMax) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
    }
  }
}

const readChunk = (chunk: Uint8Array): number => {
  try {
    return retried(() => readSync(0, chunk))
  } catch (error) {
    if (codeOf(error) === 'EOF') return 0
    throw error
  }
}

/** A pipe may take less than everything at once. */
const writeAll = (fd: number, text: string): void => {
  const bytes = new TextEncoder().encode(text)
  let written = 0
  while (written < bytes.length) written += retried(() => writeSync(fd, bytes, written))
}

const processIO = (argv: ReadonlyArray<string>): PluginIO => ({
  argv,
  env: process.env,
  readStdin,
  writeStdout: (text) => writeAll(1, text),
  writeStderr: (text) => writeAll(2, text),
})

const run = async (otherwise: string): Promise<number> => {
  const machine = realMachine(process.env)
  const plugin = pluginNamed(calledAs(), machine) ?? pluginNamed(otherwise, machine)
  if (plugin === undefined) throw new Error(`bug: no plugin among ${pluginNames.join(', ')}`)
  return runPlugin(plugin, processIO(process.argv.slice(2)))
}

/**
 * Runs the plugin the process was called as (`otherwise` names it for a plain script) and ends the
 * process: everything was written synchronously, and a forgotten timer must not delay the runtime.
 */
export const runAndExit = (otherwise: string): void => {
  run(otherwise).then(
    (code) => process.exit(code),
    (error: Error) => {
      writeAll(2, `${error.stack ?? error.message}\n`)
      process.exit(2)
    },
  )
}
