/** One HTTP exchange; implemented on node:https and, for the compiled executables, on Bun's fetch. */
import type { Cancellation } from './kube-client.ts'

export interface HTTPRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly timeoutMs: number
  readonly cancellation?: Cancellation | undefined
}

export interface HTTPResponse {
  readonly status: number
  /** Value of `Retry-After`. */
  readonly retryAfter?: string | undefined
  readonly text: string
}

export interface HTTPStream {
  readonly status: number
  readonly retryAfter?: string | undefined
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface Exchange {
  /** Rejects with KubeUnreachable. */
  readonly send: (request: HTTPRequest) => Promise<HTTPResponse>
  /** Resolves when the headers are there; the timeout counts until then. */
  readonly stream: (request: HTTPRequest) => Promise<HTTPStream>
  readonly close: () => void
}
