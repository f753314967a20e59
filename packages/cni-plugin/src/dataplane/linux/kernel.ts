/**
 * What the wiring touches, in one record, so that each step is a plain function of it and tests can
 * replace any of it. Bounds are here too.
 */
import type { Notes } from '../dataplane.ts'
import type { NetworkLibc } from './libc.ts'
import { type NetlinkSocket, openNetlink } from './netlink/socket.ts'
import { type WriteSysctl, writeSysctl } from './sysctl.ts'

export interface Kernel {
  readonly libc: NetworkLibc
  readonly notes: Notes
  readonly writeSysctl: WriteSysctl
  sleep(ms: number): Promise<void>
}

export const createKernel = (libc: NetworkLibc, notes: Notes): Kernel => ({
  libc,
  notes,
  writeSysctl,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
})

/**
 * Upstream's bound for deleting a link; the kernel needs a grace period of some 30 ms for it. It
 * bounds the wait for an answer. A request that waits for the kernel's own rtnl lock cannot be
 * bounded: that wait cannot be interrupted, and a process with such a thread cannot even be ended,
 * so answering from another thread would not let the runtime go on any sooner.
 */
export const answerTimeoutMs = 20_000

/** Runs with a socket in the host's namespace. */
export const withHostSocket = async <T>(
  kernel: Kernel,
  body: (host: NetlinkSocket) => Promise<T>,
): Promise<T> => {
  const host = openNetlink(kernel.libc, answerTimeoutMs)
  try {
    return await body(host)
  } finally {
    host.close()
  }
}
