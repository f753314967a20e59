/** SQLite's result codes as errors of the port. Source: sqlite.org/rescode.html, primary codes. */
import {
  type DatastoreError,
  type DatastoreErrorTag,
  DatastoreFailure,
  datastoreError,
} from '@hc-calico/ipam-core/ports'

const meaning: Readonly<Record<number, readonly [DatastoreErrorTag, string]>> = {
  3: ['Unauthorized', 'access to the file is denied'],
  5: ['Unavailable', 'another process kept the file busy for too long'],
  6: ['Unavailable', 'another process kept the file busy for too long'],
  8: ['Unauthorized', 'the file or its folder may not be written'],
  10: ['Unavailable', 'the disk reported an input or output error'],
  11: ['Malformed', 'the file is damaged; restore it from a backup or remove it'],
  13: ['Unavailable', 'the disk is full'],
  14: ['Unavailable', 'the file cannot be opened'],
  23: ['Unauthorized', 'access to the file is denied'],
  26: ['Malformed', 'the file is not a database; restore it from a backup or remove it'],
}

const primaryCodeOf = (cause: unknown): number => {
  if (typeof cause !== 'object' || cause === null || !('errcode' in cause)) return 0
  return Number(cause.errcode) & 0xff
}

/** Whether another process kept the file busy. */
export const isBusy = (cause: unknown): boolean => {
  const code = primaryCodeOf(cause)
  return code === 5 || code === 6
}

/** Translates whatever SQLite threw while `doing` ("read", "commit", "open"). */
export const toDatastoreError = (cause: unknown, doing: string, file: string): DatastoreError => {
  if (cause instanceof DatastoreFailure) return cause.error
  const detail = cause instanceof Error ? cause.message : String(cause)
  const [tag, sentence] = meaning[primaryCodeOf(cause)] ?? (['Unavailable', detail] as const)
  return datastoreError(tag, `cannot ${doing} the local datastore ${file}: ${sentence}`, { cause })
}
