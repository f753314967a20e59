/**
 * A control group of our own for what a container runtime starts: however the runtime ended, the
 * group knows the processes that are left, and ends them.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { atEnd, ownedName } from './teardown.ts'

export interface OwnCgroup {
  /** Below the root of each controller's tree. */
  readonly name: string
  /** kill -9 of what runs in it; the group stays. */
  kill(): void
  /** Kills what runs in it. */
  remove(): void
}

const root = '/sys/fs/cgroup'
const triesMax = 100
const tryIntervalMs = 10

const directoriesIn = (directory: string): ReadonlyArray<string> => {
  if (!existsSync(directory)) return []
  const entries = readdirSync(directory, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name))
}

/** Version 1 has one tree per controller below the root, version 2 is the root itself. */
const trees = (): ReadonlyArray<string> => [root, ...directoriesIn(root)]

/** Deepest first. */
const groupsBelow = (directory: string): ReadonlyArray<string> => [
  ...directoriesIn(directory).flatMap(groupsBelow),
  directory,
]

const groupsOf = (name: string): ReadonlyArray<string> =>
  trees()
    .map((tree) => join(tree, name))
    .filter((directory) => existsSync(directory))
    .flatMap(groupsBelow)

const processesIn = (group: string): ReadonlyArray<string> => {
  const file = join(group, 'cgroup.procs')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

const killIn = (group: string): void => {
  for (const pid of processesIn(group)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

const removeGroup = (group: string): void => {
  try {
    killIn(group)
    rmdirSync(group)
  } catch {
    // Still busy, or gone meanwhile: the next round sees.
  }
}

/** Names of all top-level groups. */
export const cgroupNames = (): ReadonlyArray<string> => {
  const names = trees()
    .flatMap(directoriesIn)
    .map((directory) => directory.slice(directory.lastIndexOf('/') + 1))
  return [...new Set(names)]
}

/** Synchronous, for exit handlers; a killed process takes a moment to leave its group. */
export const removeCgroups = (name: string): void => {
  const clock = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const groups = groupsOf(name)
    if (groups.length === 0) return
    for (const group of groups) removeGroup(group)
    Atomics.wait(clock, 0, 0, tryIntervalMs)
  }
}

/** The runtime that is told its name makes it. */
export const ownCgroup = (label: string): OwnCgroup => {
  const name = ownedName(label)
  const forget = atEnd(`cgroup ${name}`, () => removeCgroups(name))
  return {
    name,
    kill: () => {
      for (const group of groupsOf(name)) killIn(group)
    },
    remove: () => {
      removeCgroups(name)
      forget()
    },
  }
}
