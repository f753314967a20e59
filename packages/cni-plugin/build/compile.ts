/** One executable from one entry: compiled, then guarded against its environment. */
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Architecture, bunBuild, compileArguments, findBun } from './bun.ts'
import { guardEnvironment } from './environment-guard.ts'

const compile = (entry: string, target: Architecture, out: string): void => {
  const crossing =
    target === process.arch
      ? []
      : [`--target=bun-linux-${target}`, `--compile-executable-path=${findBun(target).path}`]
  bunBuild(entry, [...compileArguments, ...crossing, `--outfile=${out}`])
}

const guard = (file: string): void => {
  const edit = guardEnvironment(readFileSync(file))
  const fd = openSync(file, 'r+')
  try {
    for (const { offset, data } of edit.writes) writeSync(fd, data, 0, data.length, offset)
  } finally {
    closeSync(fd)
  }
  chmodSync(file, 0o755)
}

export interface Compilation {
  readonly entry: string
  readonly target: Architecture
  /** Appears at once, whole, or not at all. */
  readonly out: string
  /** Looks at the executable before it is put in its place. */
  readonly verify?: (file: string) => void
}

export const compileExecutable = ({ entry, target, out, verify }: Compilation): void => {
  mkdirSync(dirname(out), { recursive: true })
  const workshop = mkdtempSync(join(dirname(out), '.bundle-'))
  try {
    const made = join(workshop, 'hc-calico')
    compile(entry, target, made)
    guard(made)
    verify?.(made)
    renameSync(made, out)
  } finally {
    rmSync(workshop, { recursive: true, force: true })
  }
}
