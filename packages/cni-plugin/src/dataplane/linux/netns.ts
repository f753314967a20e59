/**
 * Network namespaces by path, and the short visit into one.
 *
 * Rules learnt the hard way: setns moves the calling thread only, and a thread that is created
 * during the visit stays in the foreign namespace for ever. An asynchronous file operation would
 * create such threads (the runtime's pool), so a visit is strictly synchronous, and it is kept to
 * what needs it: sysctls and opening a socket, which stays bound to the namespace it was opened in.
 * (The engine may start a compiler or collector thread of its own meanwhile; those never touch a
 * file or a socket.)
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, statfsSync } from 'node:fs'
import type { NetworkNamespaceInfo } from '../dataplane.ts'
import type { NetworkLibc } from './libc.ts'

export interface Namespace {
  readonly path: string
  readonly fd: number
  readonly isOwn: boolean
  close(): void
}

const ownPath = '/proc/thread-self/ns/net'

const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

// Without O_NONBLOCK a FIFO in the place of a namespace would block us for ever.
const openRead = (path: string): number => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)

const openOwn = (): number => openSync(ownPath, constants.O_RDONLY)

const isSameFile = (a: number, b: number): boolean => {
  const [first, second] = [fstatSync(a), fstatSync(b)]
  return first.dev === second.dev && first.ino === second.ino
}

const isOwnNamespace = (fd: number): boolean => {
  const own = openOwn()
  try {
    return isSameFile(fd, own)
  } finally {
    closeSync(own)
  }
}

/** `nsfs`, the file system of all namespaces (linux/magic.h). */
const nsfsMagic = 0x6e736673

/**
 * A namespace file lies on nsfs wherever it is mounted. Reached through /proc the kernel names its
 * kind too (`mnt:[4026531841]`); of a mounted one the kind shows only when a thread enters it.
 */
const isNetworkNamespace = (fd: number): boolean => {
  const path = `/proc/self/fd/${fd}`
  if (statfsSync(path).type !== nsfsMagic) return false
  const kind = /^(\w+):\[\d+\]$/.exec(readlinkSync(path))?.[1]
  return kind === undefined || kind === 'net'
}

export type NamespaceLookup =
  | { readonly state: 'present'; readonly namespace: Namespace }
  | { readonly state: 'missing' }
  | { readonly state: 'notANamespace' }

/** Opens the namespace behind a path. Throws only on what is neither there nor missing (EACCES). */
export const openNamespace = (path: string): NamespaceLookup => {
  let fd: number
  try {
    fd = openRead(path)
  } catch (error) {
    const code = errorCode(error)
    // A process that ended between look-up and open gives ESRCH.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESRCH') return { state: 'missing' }
    if (code === 'ENXIO' || code === 'ELOOP') return { state: 'notANamespace' }
    throw new Error(`cannot open network namespace ${path}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (!isNetworkNamespace(fd)) {
    closeSync(fd)
    return { state: 'notANamespace' }
  }
  const namespace = { path, fd, isOwn: isOwnNamespace(fd), close: () => closeSync(fd) }
  return { state: 'present', namespace }
}

export const inspectNamespace = (path: string): NetworkNamespaceInfo => {
  const found = openNamespace(path)
  if (found.state !== 'present') return { state: found.state, isOwn: false }
  found.namespace.close()
  return { state: 'present', isOwn: found.namespace.isOwn }
}

/** The namespace of a container that must be there, and must not be the host's. */
export const openContainerNamespace = (path: string): Namespace => {
  const found = openNamespace(path)
  if (found.state === 'missing') throw new Error(`network namespace ${path} does not exist`)
  if (found.state === 'notANamespace') throw new Error(`${path} is not a network namespace`)
  if (!found.namespace.isOwn) return found.namespace
  found.namespace.close()
  throw new Error(`${path} is the host's own network namespace`)
}

/**
 * Runs `body` inside the namespace and comes back. `body` must not start anything asynchronous.
 * When coming back fails nothing that follows can be trusted; that error names both.
 */
export const visitNamespace = <T>(libc: NetworkLibc, namespace: Namespace, body: () => T): T => {
  const own = openOwn()
  try {
    libc.enterNetworkNamespace(namespace.fd)
    try {
      return body()
    } finally {
      libc.enterNetworkNamespace(own)
    }
  } catch (error) {
    throw new Error(`in network namespace ${namespace.path}: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    closeSync(own)
  }
}
