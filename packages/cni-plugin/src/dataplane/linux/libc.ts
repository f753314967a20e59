/**
 * What we need from the C library and the runtime does not offer: netlink sockets, setns, flock.
 * A port, so that everything above it is tested with a fake; the real one is `libc-bun.ts`.
 */
import { describeErrno } from './netlink/errno.ts'

/** A system call that failed. */
export class SyscallError extends Error {
  readonly errno: number
  constructor(call: string, errno: number) {
    super(`${call}: ${describeErrno(errno)}`)
    this.name = 'SyscallError'
    this.errno = errno
  }
}

/** Every function throws SyscallError; descriptors are closed with `closeSync` of node:fs. */
export interface NetworkLibc {
  /**
   * A route netlink socket in the namespace of the calling thread; it stays there whatever the
   * thread does later. A receive gives up after `receiveTimeoutMs`.
   */
  netlinkSocket(receiveTimeoutMs: number): number
  send(fd: number, data: Uint8Array): void
  /** One datagram; the bytes are valid until the next call. */
  receive(fd: number): Uint8Array
  /** Moves the calling thread into a network namespace. */
  enterNetworkNamespace(fd: number): void
}

export interface LockLibc {
  /** An exclusive lock, without waiting; false: somebody else holds it. */
  tryLock(fd: number): boolean
}
