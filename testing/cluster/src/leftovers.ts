/**
 * How the things we make are destroyed, and the destruction of what an owner that was killed with
 * -9 could not destroy itself: only things that carry our name and the pid of a process that is gone.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cgroupNames, removeCgroups } from './cgroup.ts'
import { ownerOf } from './teardown.ts'

const namespaces = '/run/netns'

/** Container runtimes that are killed leave mounts; the newest is unmounted first. */
const unmountBelow = (path: string): void => {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${path}/`))
  for (const point of points.reverse()) spawnSync('umount', ['-l', point])
}

export const removeDirectory = (path: string): void => {
  unmountBelow(path)
  rmSync(path, { recursive: true, force: true })
}

/** kill -9 of what runs in a namespace of ours. */
export const killInNamespace = (name: string): void => {
  const listed = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' })
  for (const pid of (listed.stdout ?? '').split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

/** Kills what runs in a namespace of ours, then removes its name. */
export const destroyNamespace = (name: string): void => {
  killInNamespace(name)
  if (spawnSync('ip', ['netns', 'delete', name]).status === 0) return
  rmSync(join(namespaces, name), { force: true })
}

const isOrphan = (name: string): boolean => {
  const owner = ownerOf(name)
  return owner !== undefined && !existsSync(`/proc/${owner}`)
}

const orphansIn = (directory: string): ReadonlyArray<string> =>
  existsSync(directory) ? readdirSync(directory).filter(isOrphan) : []

let isDone = false

/** Once per process. */
export const removeLeftovers = (): void => {
  if (isDone) return
  isDone = true
  for (const name of cgroupNames().filter(isOrphan)) removeCgroups(name)
  for (const name of orphansIn(namespaces)) destroyNamespace(name)
  for (const directory of [tmpdir(), '/run']) {
    for (const name of orphansIn(directory)) removeDirectory(join(directory, name))
  }
}
