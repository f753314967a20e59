/**
 * The C library through Bun's FFI: the only file that knows it. Nothing is compiled or unpacked at
 * run time, and loading costs 0.2 ms. The netlink and the lock functions are opened separately, because
 * a process needs one or the other first.
 */
import { dlopen, read } from 'bun:ffi'
import { type LockLibc, type NetworkLibc, SyscallError } from './libc.ts'
import { EAGAIN, EINTR, NETLINK_ROUTE } from './netlink/constants.ts'

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0x80000
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const CLONE_NEWNET = 0x40000000
const LOCK_EX = 2
const LOCK_NB = 4

/** The kernel packs lists into datagrams of at most 32 kB. */
const receiveBufferBytes = 65_536
const interruptionsMax = 100

/** glibc, then musl. */
const libraries = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']

const errnoLocation = { __errno_location: { args: [], returns: 'ptr' } } as const

type Signatures = Parameters<typeof dlopen>[1]

const openLibrary = <const S extends Signatures>(symbols: S) => {
  let cause: unknown
  for (const library of libraries) {
    try {
      return dlopen(library, { ...symbols, ...errnoLocation }).symbols
    } catch (error) {
      cause ??= error
    }
  }
  throw new Error('cannot open the C library', { cause })
}

interface Errno {
  readonly __errno_location: () => number
}

const errnoOf = (libc: Errno): number => read.i32(libc.__errno_location(), 0)

/** Calls until it is not interrupted by a signal. */
const call = (libc: Errno, name: string, body: () => number): number => {
  for (let attempt = 0; attempt < interruptionsMax; attempt += 1) {
    const result = Number(body())
    if (result >= 0) return result
    const errno = errnoOf(libc)
    if (errno !== EINTR) throw new SyscallError(name, errno)
  }
  throw new SyscallError(name, EINTR)
}

const int32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer)

const timeval = (ms: number): Uint8Array =>
  new Uint8Array(BigInt64Array.of(BigInt(Math.floor(ms / 1000)), BigInt((ms % 1000) * 1000)).buffer)

export const openNetworkLibc = (): NetworkLibc => {
  const libc = openLibrary({
    socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
    send: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
    recv: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
    setns: { args: ['i32', 'i32'], returns: 'i32' },
  })
  const buffer = new Uint8Array(receiveBufferBytes)
  const setOption = (fd: number, level: number, option: number, value: Uint8Array): number =>
    libc.setsockopt(fd, level, option, value, value.length)
  return {
    netlinkSocket: (receiveTimeoutMs) => {
      const fd = call(libc, 'socket(AF_NETLINK)', () =>
        libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
      )
      setOption(fd, SOL_SOCKET, SO_RCVTIMEO, timeval(receiveTimeoutMs))
      // Old kernels lack these; then errors are shorter and lists longer, nothing else.
      for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
        setOption(fd, SOL_NETLINK, option, int32(1))
      }
      return fd
    },
    send: (fd, data) => {
      call(libc, 'send(netlink)', () => libc.send(fd, data, data.length, 0))
    },
    receive: (fd) => {
      const length = call(libc, 'recv(netlink)', () => libc.recv(fd, buffer, buffer.length, 0))
      return buffer.subarray(0, length)
    },
    enterNetworkNamespace: (fd) => {
      call(libc, 'setns', () => libc.setns(fd, CLONE_NEWNET))
    },
  }
}

export const openLockLibc = (): LockLibc => {
  const libc = openLibrary({ flock: { args: ['i32', 'i32'], returns: 'i32' } })
  return {
    tryLock: (fd) => {
      try {
        call(libc, 'flock', () => libc.flock(fd, LOCK_EX | LOCK_NB))
        return true
      } catch (error) {
        if (error instanceof SyscallError && error.errno === EAGAIN) return false
        throw error
      }
    },
  }
}
