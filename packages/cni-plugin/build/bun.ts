/** Bun as a build tool: where it is, and how the program is bundled. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export const packageRoot = join(import.meta.dirname, '..')

const packages = { x64: '@oven/bun-linux-x64', arm64: '@oven/bun-linux-aarch64' } as const

export type Architecture = keyof typeof packages

export const architectureOf = (text: string): Architecture => {
  if (text === 'x64' || text === 'arm64') return text
  throw new Error(`no executable for ${JSON.stringify(text)}: choose x64 or arm64`)
}

export interface BunRuntime {
  readonly path: string
  readonly version: string
}

/** The runtime of an architecture, from the npm package that carries it. */
export const findBun = (architecture: Architecture): BunRuntime => {
  const name = packages[architecture]
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    return { path: join(dirname(manifest), 'bin', 'bun'), version }
  } catch (error) {
    throw new Error(`package ${name} is not installed: it carries the runtime`, { cause: error })
  }
}

/** Our own environment must not steer the build either. */
export const sanitizedEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
})

/**
 * The sources of our other packages are bundled, not their builds. The override maps our imports of
 * fp-ts to the modules io-ts imports: otherwise there are two copies of it, one of them in CommonJS,
 * which costs 0.8 ms.
 */
const bundleArguments = [
  '--format=esm',
  '--minify',
  '--conditions=hc-calico-source',
  '--tsconfig-override=build/tsconfig.bundle.json',
]

/**
 * Byte code, because parsing is most of a short process' start. Compiling to machine code late,
 * because it rarely pays within 30 ms: a sixth of a whole ADD. Nothing may be read from the directory
 * the executable is started in: it runs as root wherever the runtime stands.
 */
export const compileArguments: ReadonlyArray<string> = [
  '--compile',
  '--bytecode',
  '--compile-jit-policy=30',
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
  '--no-compile-autoload-package-json',
  '--no-compile-autoload-tsconfig',
]

/** Runs `bun build` on an entry; throws with what it said. */
export const bunBuild = (entry: string, args: ReadonlyArray<string>): void => {
  const all = ['build', entry, ...bundleArguments, ...args]
  const bun = findBun(architectureOf(process.arch)).path
  const done = spawnSync(bun, all, {
    cwd: packageRoot,
    env: sanitizedEnvironment(),
    encoding: 'utf8',
  })
  if (done.status !== 0) {
    throw new Error(`bun ${all.join(' ')} failed:\n${done.stderr || done.error}`)
  }
}
