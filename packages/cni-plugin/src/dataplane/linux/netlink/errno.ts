/**
 * Kernel error numbers in words. Only those that wiring meets are spelled out (the same numbers on
 * x86-64 and arm64); any other one keeps its number, which `errno(1)` explains.
 */

const names: Readonly<Record<number, readonly [name: string, meaning: string]>> = {
  1: ['EPERM', 'operation not permitted'],
  2: ['ENOENT', 'no such object'],
  3: ['ESRCH', 'no such route or process'],
  4: ['EINTR', 'interrupted'],
  6: ['ENXIO', 'no such device or address'],
  9: ['EBADF', 'bad file descriptor'],
  11: ['EAGAIN', 'the kernel did not answer in time'],
  12: ['ENOMEM', 'out of memory'],
  13: ['EACCES', 'permission denied'],
  16: ['EBUSY', 'device or resource busy'],
  17: ['EEXIST', 'it exists already'],
  19: ['ENODEV', 'no such device'],
  20: ['ENOTDIR', 'not a directory'],
  22: ['EINVAL', 'invalid argument'],
  24: ['EMFILE', 'too many open files'],
  28: ['ENOSPC', 'no space left'],
  30: ['EROFS', 'read-only file system'],
  34: ['ERANGE', 'out of range'],
  37: ['ENOLCK', 'no locks available'],
  38: ['ENOSYS', 'function not implemented by this kernel'],
  95: ['EOPNOTSUPP', 'operation not supported by this kernel'],
  97: ['EAFNOSUPPORT', 'address family not supported'],
  99: ['EADDRNOTAVAIL', 'cannot assign the address'],
  100: ['ENETDOWN', 'network is down'],
  101: ['ENETUNREACH', 'network is unreachable'],
  105: ['ENOBUFS', 'no buffer space available'],
  110: ['ETIMEDOUT', 'timed out'],
  113: ['EHOSTUNREACH', 'no route to host'],
}

/** For example `invalid argument (EINVAL)`. */
export const describeErrno = (errno: number): string => {
  const known = names[errno]
  return known === undefined ? `kernel error ${errno}` : `${known[1]} (${known[0]})`
}
