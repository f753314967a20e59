import type { Key } from './datastore.ts'

/**
 * Everything that can go wrong in a datastore, as a closed union; adapters translate their
 * backend's errors into it and callers switch on `tag`, never on text.
 */
export type DatastoreErrorTag =
  /** An update or delete named an object that does not exist. */
  | 'NotFound'
  /** A create named an object that exists. */
  | 'AlreadyExists'
  /** The revision given is not the current one. */
  | 'Conflict'
  /** A write was sent and no answer came: it may have been applied. Only reading tells. */
  | 'OutcomeUnknown'
  /** The datastore cannot be reached or refuses service for now; nothing was written. */
  | 'Unavailable'
  /** The credentials do not allow the operation; retrying cannot help. */
  | 'Unauthorized'
  /** A stored document, or one we were asked to write, is not what it should be. */
  | 'Malformed'
  /** The backend cannot do this at all (an undeclared capability). */
  | 'Unsupported'

export interface DatastoreError {
  readonly tag: DatastoreErrorTag
  /** One sentence: what was attempted, on what, and why it failed. */
  readonly message: string
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean
  readonly key?: Key
  /** Milliseconds the backend asked to wait before the next try (429 with Retry-After). */
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

const retryable: Readonly<Record<DatastoreErrorTag, boolean>> = {
  NotFound: true,
  AlreadyExists: true,
  Conflict: true,
  OutcomeUnknown: true,
  Unavailable: true,
  Unauthorized: false,
  Malformed: false,
  Unsupported: false,
}

/** Builds a DatastoreError; `retryable` follows from the tag alone. */
export const datastoreError = (
  tag: DatastoreErrorTag,
  message: string,
  about: { readonly key?: Key; readonly cause?: unknown; readonly retryAfterMs?: number } = {},
): DatastoreError => ({ tag, message, retryable: retryable[tag], ...about })

/** A DatastoreError as something to throw: what `from-promises` adapters and watches reject with. */
export class DatastoreFailure extends Error {
  readonly error: DatastoreError
  constructor(error: DatastoreError) {
    super(error.message, { cause: error.cause })
    this.name = 'DatastoreFailure'
    this.error = error
  }
}
