/**
 * The lock that every IPAM process of a host takes, upstream's too: `flock` on one file, so that
 * two processes do not compete for the same block. Only an optimisation: correctness comes from the
 * datastore's revisions, hence every failure is noted and the work goes on.
 *
 * It polls instead of blocking in the kernel: a blocked call would stop this process' timers, and
 * with them every deadline. The polls are short and jittered; waiting is bounded.
 */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { HostLock, Notes } from './dataplane/dataplane.ts'
import type { LockLibc } from './dataplane/linux/libc.ts'

/** How long others may hold it before we go on without it; upstream's own calls end after 90 s. */
export const lockWaitMs = 60_000
const pollMsMin = 1
const pollMsMax = 20

export interface HostLockParts {
  /** Opens the C library, at the first use. */
  readonly libc: () => Promise<LockLibc>
  readonly nowMs: () => number
  readonly sleep: (ms: number) => Promise<unknown>
  /** At least 0, less than 1. */
  readonly random: () => number
}

const realParts: HostLockParts = {
  libc: async () => (await import('./dataplane/linux/libc-bun.ts')).openLockLibc(),
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
}

// Without O_NONBLOCK a FIFO in its place would block us for ever.
const openLockFile = (file: string): number => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
  return openSync(file, constants.O_RDONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600)
}

/** Waits twice as long after each miss, a random part of it: waiters do not move in step. */
const pollMs = (attempt: number, random: number): number => {
  const longest = Math.min(pollMsMax, pollMsMin * 2 ** Math.min(attempt, 10))
  return pollMsMin + random * (longest - pollMsMin)
}

/** Whether the lock is ours now. Throws when it cannot be had at all. */
const acquire = async (parts: HostLockParts, fd: number): Promise<boolean> => {
  const libc = await parts.libc()
  const deadline = parts.nowMs() + lockWaitMs
  for (let attempt = 0; ; attempt += 1) {
    if (libc.tryLock(fd)) return true
    if (parts.nowMs() >= deadline) return false
    await parts.sleep(pollMs(attempt, parts.random()))
  }
}

const lockOrNote = async (parts: HostLockParts, file: string, notes: Notes) => {
  let fd: number | undefined
  try {
    fd = openLockFile(file)
    if (await acquire(parts, fd)) return fd
    notes.warning(
      `going on without the lock on ${file}: held by another process for ${lockWaitMs} ms`,
    )
  } catch (error) {
    notes.warning(`going on without the lock on ${file}: ${(error as Error).message}`)
  }
  return fd
}

export const createHostLock = (notes: Notes, parts: HostLockParts = realParts): HostLock => ({
  run: async (file, body) => {
    const fd = await lockOrNote(parts, file, notes)
    try {
      return await body()
    } finally {
      // Closing the last descriptor of the open file gives the lock back.
      if (fd !== undefined) closeSync(fd)
    }
  },
})
