/**
 * Builds the executable: one file that holds the runtime and the program, and runs on a host with
 * nothing installed but a C library (glibc 2.17 or newer).
 *
 *   node build/bundle.ts                 for this machine:  dist/hc-calico, dist/cni-bin/*
 *   node build/bundle.ts --target=arm64  for the other one: dist/hc-calico-arm64
 *
 * The second needs the package `@oven/bun-linux-aarch64`, which npm installs by itself only on such
 * a machine: `npm install --no-save --force @oven/bun-linux-aarch64@<version of bun>`.
 *
 * Nothing is built when nothing it is made of has changed (dist/hc-calico.key).
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { architectureOf, findBun, packageRoot, sanitizedEnvironment } from './bun.ts'
import { compileExecutable } from './compile.ts'
import { inputKey } from './input-key.ts'

/** Every name the executable answers to; it looks at the one it was called by. */
const executableNames = ['hc-calico', 'hc-calico-ipam', 'calico', 'calico-ipam']

const dist = join(packageRoot, 'dist')

/** A directory that can be a CNI_PATH: every name, and nothing else. */
const linkNames = (): void => {
  const directory = join(dist, 'cni-bin')
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const name of executableNames) symlinkSync('../hc-calico', join(directory, name))
}

const verify = (file: string): void => {
  execFileSync(file, ['-v'], { env: sanitizedEnvironment() })
}

const main = (args: ReadonlyArray<string>): void => {
  const asked = args.find((arg) => arg.startsWith('--target='))?.slice('--target='.length)
  const target = architectureOf(asked ?? process.arch)
  const isNative = target === process.arch
  const out = join(dist, isNative ? 'hc-calico' : `hc-calico-${target}`)
  const keyFile = `${out}.key`
  const key = `${target} bun ${findBun(target).version} ${inputKey()}\n`
  const isCurrent = existsSync(out) && existsSync(keyFile) && readFileSync(keyFile, 'utf8') === key
  if (!isCurrent) {
    rmSync(keyFile, { force: true })
    const entry = join('src', 'bin', 'calico.ts')
    compileExecutable({ entry, target, out, ...(isNative ? { verify } : {}) })
    writeFileSync(keyFile, key)
  }
  if (isNative) linkNames()
}

main(process.argv.slice(2))
