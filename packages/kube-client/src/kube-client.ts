/**
 * Access to the Kubernetes API, as small as what is needed: one request with bodies as text, and a
 * stream of watch events as text. Text, because block documents hold 64-bit integers that
 * JSON.parse would round; whoever reads a body uses the JSON of @hc-calico/crd-types.
 */

/** The part of AbortSignal that is used. */
export interface Cancellation {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface KubeRequest {
  readonly method: Method
  /** From the root of the server, with the query: `/api/v1/nodes?limit=500`. */
  readonly path: string
  readonly body?: string
  /** Default `application/json`. */
  readonly contentType?: string
  readonly cancellation?: Cancellation | undefined
}

export interface KubeResponse {
  /** HTTP status; the server's refusals are answers, not exceptions. */
  readonly status: number
  readonly text: string
  /** From `Retry-After`. */
  readonly retryAfterMs?: number
}

export interface KubeClient {
  /** Rejects with KubeUnreachable when no answer came. */
  request(request: KubeRequest): Promise<KubeResponse>
  /**
   * The lines of a watch (`?watch=1...`), one JSON text each. Ends when the server ends it or when
   * cancelled; rejects with KubeUnreachable when it breaks, and with KubeRefused when it is refused.
   */
  watch(path: string, cancellation: Cancellation): AsyncIterable<string>
  close(): Promise<void>
}

/** No answer came. */
export class KubeUnreachable extends Error {
  /** The request was sent, so a write may have been carried out. */
  readonly maybeApplied: boolean
  constructor(message: string, maybeApplied: boolean, cause?: unknown) {
    super(message, { cause })
    this.name = 'KubeUnreachable'
    this.maybeApplied = maybeApplied
  }
}

/** A watch that was answered with an error instead of a stream. */
export class KubeRefused extends Error {
  readonly response: KubeResponse
  constructor(response: KubeResponse) {
    super(`HTTP status ${response.status}`)
    this.name = 'KubeRefused'
    this.response = response
  }
}

/** The configuration cannot be used; one sentence says what is wrong and where. */
export class KubeConfigError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'KubeConfigError'
  }
}
