/**
 * The executables run as root with an environment and in a directory that others choose. Nothing
 * there may change what they do: a probe compiled exactly as they are shows what reaches a program,
 * and the real one must answer the same whatever stands around it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { architectureOf, packageRoot } from '../../build/bun.ts'
import { compileExecutable } from '../../build/compile.ts'

const directory = mkdtempSync(join(tmpdir(), 'hc-hostile-'))
const probe = join(directory, 'probe')
const realOne = join(packageRoot, 'dist', 'hc-calico')
const trap = join(directory, 'trap')
const evil = join(trap, 'evil.ts')
const leftByEvil = join(directory, 'evil-was-here')

const trapFiles: Readonly<Record<string, string>> = {
  'evil.ts': `require('fs').writeFileSync(${JSON.stringify(leftByEvil)}, ''); globalThis.preloaded = true`,
  '.env': 'FROM_DOTENV=1\nNODE_TLS_REJECT_UNAUTHORIZED=0\n',
  '.env.local': 'FROM_DOTENV_LOCAL=1\n',
  '.env.production': 'FROM_DOTENV_PRODUCTION=1\n',
  'bunfig.toml': 'preload = ["./evil.ts"]\nlogLevel = "debug"\n[run]\nshell = "system"\n',
  '.bunfig.toml': 'preload = ["./evil.ts"]\n',
  'package.json': '{ "type": "commonjs", "main": "./evil.ts", "imports": { "#a": "./evil.ts" } }',
  'tsconfig.json': '{ "compilerOptions": { "paths": { "node:fs": ["./evil.ts"] } } }',
  'node_modules/fs/index.js': `require('${evil}')`,
}

const hostile: ReadonlyArray<readonly [string, string]> = [
  ['BUN_BE_BUN', '1'],
  ['BUN_OPTIONS', `--preload ${evil}`],
  ['BUN_OPTIONS', '--version'],
  ['BUN_OPTIONS', '--inspect-brk=127.0.0.1:0'],
  ['BUN_INSPECT', '127.0.0.1:0?break=1'],
  ['BUN_INSPECT_PRELOAD', evil],
  ['BUN_INSPECT_CONNECT_TO', `unix:${join(directory, 'inspect.sock')}`],
  ['BUN_INSPECT_NOTIFY', `unix:${join(directory, 'inspect.sock')}`],
  ['BUN_PRELOAD', evil],
  ['BUN_BYTECODE_ORDER_OUT', join(directory, 'left-order')],
  ['BUN_BYTECODE_DIGEST_OUT', join(directory, 'left-digest')],
  ['BUN_CONFIG_VERBOSE_FETCH', 'curl'],
  ['BUN_CONFIG_REGISTRY', 'http://127.0.0.1:1'],
  ['BUN_INSTALL', directory],
  ['BUN_RUNTIME_TRANSPILER_CACHE_PATH', directory],
  ['BUN_TMPDIR', directory],
  ['BUN_DEBUG_QUIET_LOGS', '0'],
  ['BUN_TRACE', '1'],
  ['BUN_GARBAGE_COLLECTOR_LEVEL', '2'],
  ['BUN_DESTRUCT_VM_ON_EXIT', '1'],
  ['BUN_FEATURE_FLAG_VERBOSE_WARNINGS', '1'],
  ['BUN_FEATURE_FLAG_INTERNAL_FOR_TESTING', '1'],
  ['BUN_JSC_dumpOptions', '2'],
  ['BUN_JSC_useJIT', '0'],
  ['BUN_JSC_logGC', '2'],
  ['JSC_dumpOptions', '2'],
  ['JSC_useJIT', 'nonsense'],
  ['NODE_OPTIONS', `--require ${evil}`],
  ['NODE_OPTIONS', '--no-such-option'],
  ['NODE_PATH', trap],
  ['NODE_ENV', 'test'],
  ['NODE_DEBUG', 'fs,net,tls'],
  ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
  ['NODE_EXTRA_CA_CERTS', '/nonexistent.pem'],
  ['NODE_CHANNEL_FD', '1'],
  ['NODE_CHANNEL_SERIALIZATION_MODE', 'advanced'],
  ['NODE_NO_WARNINGS', '1'],
  ['MIMALLOC_VERBOSE', '1'],
  ['MIMALLOC_SHOW_STATS', '1'],
  ['mimalloc_verbose', '1'],
  ['MallocLogFile', join(directory, 'left-malloc')],
  ['JavaScriptCoreUseJIT', '0'],
  ['UV_THREADPOOL_SIZE', '1'],
]

beforeAll(() => {
  for (const [name, text] of Object.entries(trapFiles)) {
    mkdirSync(join(trap, name, '..'), { recursive: true })
    writeFileSync(join(trap, name), text)
  }
  const entry = join(import.meta.dirname, 'probe.ts')
  compileExecutable({ entry, target: architectureOf(process.arch), out: probe })
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const run = (file: string, env: Readonly<Record<string, string>>, args: string[] = []) => {
  const { status, signal, stdout, stderr } = spawnSync(file, args, {
    env: { PATH: '/usr/bin:/bin', ...env },
    cwd: trap,
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, signal, stdout, stderr }
}

const nothingWasLeft = (): void => {
  expect(existsSync(leftByEvil)).toBe(false)
  expect(readdirSync(directory).sort()).toEqual(['probe', 'trap'])
}

describe('a program compiled as the plugins are', () => {
  const answer = (argv: string[] = [], variables: string[] = []) => ({
    status: 0,
    signal: null,
    stderr: '',
    stdout: `${JSON.stringify({
      variables: ['PATH', ...variables].sort(),
      argv,
      execArgv: [],
      preloaded: false,
      files: readdirSync(trap).sort(),
    })}\n`,
  })

  test('sees nothing of the directory it is started in', () => {
    expect(run(probe, {})).toEqual(answer())
    nothingWasLeft()
  })

  test('nor of a home directory with a configuration of the runtime', () => {
    const env = { HOME: trap, XDG_CONFIG_HOME: trap }
    expect(run(probe, env)).toEqual(answer([], ['HOME', 'XDG_CONFIG_HOME']))
    nothingWasLeft()
  })

  test.each(hostile)('is not steered by %s=%s', (name, value) => {
    expect(run(probe, { [name]: value })).toEqual(answer())
    nothingWasLeft()
  })

  test.each([
    ['--inspect-brk'],
    ['--preload', './evil.ts'],
    ['-e', 'process.exit(9)'],
    ['run', 'evil.ts'],
    ['--version'],
    ['--env-file=.env'],
    ['--bun'],
    ['--config=bunfig.toml'],
  ])('takes %s as its own argument', (...args) => {
    expect(run(probe, {}, args)).toEqual(answer(args))
    nothingWasLeft()
  })
})

describe('the executable', () => {
  const version = () => run(realOne, {}, ['-v'])

  test('says its version', () => {
    expect(version()).toMatchObject({ status: 0, stderr: '' })
  })

  test.each(hostile)('says the same with %s=%s', (name, value) => {
    expect(run(realOne, { [name]: value }, ['-v'])).toEqual(version())
    nothingWasLeft()
  })
})
