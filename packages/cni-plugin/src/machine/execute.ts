/** Runs an executable with a document on stdin and collects what it prints. */
import type { Executed, Execution } from '../machine.ts'

// Not imported: the bundler would hoist it to the start of every call, at 3 ms.
const { spawn } = process.getBuiltinModule('node:child_process')

const outputBytesMax = 16 * 1024 * 1024

/** Rejects when the process cannot be started; `exitCode` null means it had to be killed. */
export const execute = ({ file, env, stdin, waitMsMax }: Execution): Promise<Executed> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, [], {
      env: { ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      timeout: waitMsMax,
      killSignal: 'SIGKILL',
    })
    const printed = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
    let bytes = 0
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Uint8Array) => {
        bytes += chunk.length
        if (bytes > outputBytesMax) child.kill('SIGKILL')
        else printed[name].push(chunk)
      })
    }
    child.on('error', reject)
    child.on('close', (exitCode) => {
      const text = (chunks: Uint8Array[]) => Buffer.concat(chunks).toString('utf8')
      resolve({ exitCode, stdout: text(printed.stdout), stderr: text(printed.stderr) })
    })
    // A plugin that does not read its stdin breaks the pipe: its exit code says what happened.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
  })
