// Started programs: bounded waits, clear failures, and nothing that outlives its owner.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { command, tryCommand } from '../src/command.ts'
import { makeDirectory } from '../src/directory.ts'
import { freePort, startProcess, waitUntil } from '../src/process.ts'

const directory = makeDirectory('process-test')
afterAll(() => directory.remove())

let logs = 0
const shell = (script: string) =>
  startProcess({
    name: 'the script',
    file: '/bin/sh',
    args: ['-c', script],
    logFile: join(directory.path, `${++logs}.log`),
  })

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/exe`)

describe('a command', () => {
  test('its output; its error names it and what it said', async () => {
    expect(await command('sh', ['-c', 'cat; echo out'], { input: 'in ' })).toBe('in out\n')
    await expect(command('sh', ['-c', 'echo wrong >&2; exit 3'])).rejects.toThrow(
      /^sh -c echo wrong .*exit code 3: wrong$/,
    )
    await expect(command('/no/such/program', [])).rejects.toThrow(/no\/such\/program: .*ENOENT/)
  })

  test('is ended when it takes too long', async () => {
    const started = Date.now()
    await expect(tryCommand('sleep', ['30'], { timeoutMs: 100 })).rejects.toThrow(
      'sleep 30: not done within 100 ms',
    )
    expect(Date.now() - started).toBeLessThan(5_000)
  })

  test('does not inherit the settings of whoever tests', async () => {
    process.env.HC_LEAK = 'yes'
    expect(await command('env', [])).not.toContain('HC_LEAK')
  })
})

describe('a process', () => {
  test('stop ends the whole group', async () => {
    const server = await shell('sleep 100 & echo $!; wait')
    const child = await waitUntil(
      { what: 'it says its child', timeoutMs: 5_000, needs: [server] },
      () => Number(server.tail()) || undefined,
    )
    expect(isAlive(child)).toBe(true)
    await server.stop()
    await waitUntil({ what: 'the child is gone', timeoutMs: 5_000 }, () => !isAlive(child))
    expect(server.isRunning()).toBe(false)
  })

  test('one that ignores SIGTERM is killed', async () => {
    const server = await shell(`trap '' TERM; echo ready; while :; do sleep 1; done`)
    await waitUntil({ what: 'ready', timeoutMs: 5_000 }, () => server.tail() === 'ready')
    expect(await server.stop(200)).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('a wait fails at once, with the log, when what it needs ends', async () => {
    const server = await shell('echo cannot open the thing; exit 1')
    const waiting = waitUntil(
      { what: 'it serves', timeoutMs: 60_000, needs: [server] },
      () => false,
    )
    await expect(waiting).rejects.toThrow(
      /^it serves: the script has ended\n--- .*\ncannot open the thing$/,
    )
  })

  test('a wait fails in time, with the last error of its probe', async () => {
    const waiting = waitUntil({ what: 'it serves', timeoutMs: 120 }, () => {
      throw new Error('connection refused')
    })
    await expect(waiting).rejects.toThrow('it serves: not within 120 ms\nconnection refused')
  })

  test('a program that does not exist: the log says so', async () => {
    const server = await startProcess({
      name: 'nothing',
      file: '/no/such/program',
      args: [],
      logFile: join(directory.path, 'none.log'),
    })
    expect(await server.exited).toEqual({ code: 127, signal: null })
    expect(server.tail()).toContain('/no/such/program')
  })

  test('free ports differ', async () => {
    const found = await Promise.all(Array.from({ length: 8 }, () => freePort()))
    expect(found.every((port) => port > 1023)).toBe(true)
  })
})

describe('an owner that ends', () => {
  const source = (name: string): string => JSON.stringify(join(import.meta.dirname, '../src', name))
  const program = join(directory.path, 'owner.ts')
  writeFileSync(
    program,
    `import { makeDirectory } from ${source('directory.ts')}
     import { createNamespace } from ${source('netns.ts')}
     import { startProcess } from ${source('process.ts')}
     const { path } = makeDirectory('owned')
     const netns = await createNamespace('owned')
     const logFile = path + '/sleep.log'
     const server = await startProcess({ name: 's', file: 'sleep', args: ['1000'], logFile, netns: netns.path })
     console.log(JSON.stringify({ path, netns: netns.path, pid: server.pid }))
     if (process.argv[2] === 'throw') throw new Error('the test failed')
     if (process.argv[2] === 'exit') process.exit(0)
     setInterval(() => undefined, 1000)
    `,
  )

  interface Owned {
    readonly path: string
    readonly netns: string
    readonly pid: number
  }

  const endOf = async (argument: string, signal?: NodeJS.Signals): Promise<Owned> => {
    const child = spawn(process.execPath, [program, argument], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const owned = await new Promise<Owned>((resolve) => {
      child.stdout.setEncoding('utf8').once('data', (text) => resolve(JSON.parse(text)))
    })
    if (signal !== undefined) child.kill(signal)
    await new Promise((resolve) => child.once('close', resolve))
    return owned
  }

  const remains = ({ path, netns, pid }: Owned) => ({
    directory: existsSync(path),
    netns: existsSync(netns),
    process: isAlive(pid),
  })
  const nothing = { directory: false, netns: false, process: false }

  test.each([
    ['by returning from an exit', 'exit', undefined],
    ['by an exception nobody caught', 'throw', undefined],
    ['by SIGINT', 'wait', 'SIGINT'],
    ['by SIGTERM', 'wait', 'SIGTERM'],
  ] as const)('%s leaves nothing', async (_, argument, signal) => {
    const owned = await endOf(argument, signal)
    // A process that was killed takes a moment to be gone.
    await waitUntil({ what: 'its process is gone', timeoutMs: 5_000 }, () => !isAlive(owned.pid))
    expect(remains(owned)).toEqual(nothing)
  })

  test('by SIGKILL: its processes die with it, the next owner removes the rest', async () => {
    const owned = await endOf('wait', 'SIGKILL')
    await waitUntil({ what: 'its process is gone', timeoutMs: 5_000 }, () => !isAlive(owned.pid))
    // Tests of other files are owners too, and may be the next one.
    spawnSync(process.execPath, [program, 'exit'])
    const isGone = () => Object.values(remains(owned)).every((isThere) => !isThere)
    await waitUntil({ what: 'everything of it is gone', timeoutMs: 5_000 }, isGone)
  })
})
