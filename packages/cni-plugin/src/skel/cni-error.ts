/**
 * Errors as the CNI specification prints them: a code, one sentence, details. Everything a command
 * can fail with becomes one of these at the edge, exactly once.
 */

/** Codes of the CNI specification 1.1.0; from 100 on they are the plugin's own. */
export const cniErrorCode = {
  incompatibleVersion: 1,
  /** The message contains the key and the value. */
  unsupportedField: 2,
  /** The runtime need not clean up after it. */
  containerUnknown: 3,
  /** The message contains the names of the variables. */
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidNetworkConfig: 7,
  invalidNetworkNamespace: 8,
  /** Something transient: the same call may succeed later. */
  tryAgainLater: 11,
  /** STATUS: ADD cannot be served. */
  notAvailable: 50,
  /** STATUS: ADD cannot be served, and running containers may have lost connectivity. */
  notAvailableLimitedConnectivity: 51,
  /** Ours: the request is right, but no address can be given. */
  addressRefused: 101,
  /** Ours: CHECK found that the container's network is not what ADD made. */
  checkFailed: 102,
  /** Ours: the kernel refused a step of the wiring. */
  wiringFailed: 103,
  /** Ours: a stored document, or the datastore's access rules, are wrong. */
  datastoreFailed: 104,
  /** A bug, or something nobody foresaw. The number libcni's plugins use. */
  internal: 999,
} as const

/** What stdout carries when a command fails. */
export interface CNIErrorDocument {
  readonly cniVersion: string
  readonly code: number
  readonly msg: string
  readonly details?: string
}

/** The only thing commands throw on purpose. */
export class CNIFailure extends Error {
  readonly code: number
  readonly details: string | undefined
  constructor(code: number, message: string, about: { details?: string; cause?: unknown } = {}) {
    super(message, { cause: about.cause })
    this.name = 'CNIFailure'
    this.code = code
    this.details = about.details
  }
}

/** Anything thrown, as a CNIFailure. What is not one already is an internal error. */
export const toFailure = (thrown: unknown): CNIFailure => {
  if (thrown instanceof CNIFailure) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new CNIFailure(cniErrorCode.internal, message, { cause: thrown })
}

export const errorDocument = (failure: CNIFailure, cniVersion: string): CNIErrorDocument => ({
  cniVersion,
  code: failure.code,
  msg: failure.message,
  ...(failure.details === undefined ? {} : { details: failure.details }),
})
