/**
 * Failures of the transport as errors of the port. What etcd answers is told by its gRPC status and,
 * where one status stands for several things, by etcd's own words (its error strings have been
 * stable since 3.0). What is not known for certain not to have been applied is OutcomeUnknown.
 */
import {
  type DatastoreError,
  type DatastoreErrorTag,
  DatastoreFailure,
  datastoreError,
} from '@hc-calico/ipam-core/ports'
import { type Applied, grpcStatus, TransportError } from './transport.ts'

interface Meaning {
  readonly pattern: RegExp
  readonly tag: DatastoreErrorTag
  /** What to do about it; etcd's words come before. */
  readonly advice?: string
}

/** With TLS 1.3 it comes after the connection is made; the request has not been looked at. */
const oursRefused = /alert (bad certificate|certificate required|unknown ca|certificate expired)/
const theirsRefused = /unable to (verify|get) .*certificate|self[- ]signed certificate/

/** A certificate that one side does not accept: waiting does not mend it. */
export const isCertificateFault = ({ message }: TransportError): boolean =>
  oursRefused.test(message) || theirsRefused.test(message)

/**
 * The quota is used up. It does not prove that nothing was written: a member that finds the quota
 * exceeded while it applies a transaction applies it all the same (etcd, quotaApplierV3).
 */
const noSpace = /database space exceeded/

/** Whether a write must be looked for before it can be called refused. */
export const isNoSpace = (cause: unknown): boolean =>
  cause instanceof TransportError && noSpace.test(cause.message)

/** Answers that prove that nothing was written. */
const meanings: ReadonlyArray<Meaning> = [
  {
    pattern: /permission denied/,
    tag: 'Unauthorized',
    advice: 'the user needs a role with read and write permission for keys below /calico/',
  },
  {
    pattern: /user name is empty|user name not found/,
    tag: 'Unauthorized',
    advice:
      'authentication is on: set a user name and password, or a client certificate whose common name is a user',
  },
  {
    pattern:
      /authentication failed|invalid auth token|auth management|revision of auth store is old/,
    tag: 'Unauthorized',
    advice: 'check the user name and the password',
  },
  {
    pattern: oursRefused,
    tag: 'Unauthorized',
    advice:
      'it wants a client certificate that its own authority has signed and that is still valid',
  },
  {
    pattern: theirsRefused,
    tag: 'Unauthorized',
    advice: 'name the authority that signed the certificates of the members (etcd_ca_cert_file)',
  },
  {
    pattern: noSpace,
    tag: 'Unavailable',
    advice: 'compact and defragment it, then disarm the alarm (etcdctl alarm disarm)',
  },
  { pattern: /too many requests/, tag: 'Unavailable' },
  { pattern: /no leader/, tag: 'Unavailable', advice: 'the cluster has no quorum at the moment' },
  { pattern: /request is too large|too many operations/, tag: 'Malformed' },
  { pattern: /data corrupt|corrupt cluster/i, tag: 'Unavailable' },
]

/** Whether etcd's answer proves that a transaction was not applied. */
export const isRefusal = (message: string): boolean =>
  meanings.some(({ pattern }) => pattern.test(message))

/** Signing in was refused because nobody has to. */
export const isWithoutAuthentication = ({ message }: TransportError): boolean =>
  /authentication is not enabled/.test(message)

/** Whether signing in again, or not at all, may help. */
export const isStaleToken = (error: TransportError): boolean =>
  error.status === grpcStatus.unauthenticated ||
  isWithoutAuthentication(error) ||
  /invalid auth token|revision of auth store is old/.test(error.message)

/** For an answer of the server: whether the call may have been carried out nevertheless. */
export const appliedByAnswer = (status: number, message: string): Applied => {
  const isCertain =
    status === grpcStatus.invalidArgument ||
    status === grpcStatus.permissionDenied ||
    status === grpcStatus.resourceExhausted ||
    status === grpcStatus.failedPrecondition ||
    status === grpcStatus.unimplemented ||
    status === grpcStatus.unauthenticated
  return isCertain || isRefusal(message) ? 'No' : 'Maybe'
}

const sentence = (doing: string, message: string, advice?: string): string =>
  `cannot ${doing} etcd: ${message}${advice === undefined ? '' : `; ${advice}`}`

/** Translates whatever a call threw while `doing` ("read from", "write to", "watch"). */
export const toDatastoreError = (
  cause: unknown,
  doing: string,
  isReadOnly: boolean,
): DatastoreError => {
  if (cause instanceof DatastoreFailure) return cause.error
  if (!(cause instanceof TransportError)) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    return datastoreError(isReadOnly ? 'Unavailable' : 'OutcomeUnknown', sentence(doing, detail), {
      cause,
    })
  }
  const meaning = meanings.find(({ pattern }) => pattern.test(cause.message))
  const isUnknown = !isReadOnly && cause.applied === 'Maybe'
  if (meaning !== undefined && !isUnknown) {
    return datastoreError(meaning.tag, sentence(doing, cause.message, meaning.advice), { cause })
  }
  const tag: DatastoreErrorTag = isUnknown
    ? 'OutcomeUnknown'
    : cause.status === grpcStatus.permissionDenied || cause.status === grpcStatus.unauthenticated
      ? 'Unauthorized'
      : 'Unavailable'
  return datastoreError(tag, sentence(doing, cause.message), { cause })
}
