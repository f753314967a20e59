/**
 * gRPC over one HTTP/2 connection: a call is a POST whose body and answer are length-prefixed
 * messages, its outcome stands in the trailers. Source: grpc.io, "gRPC over HTTP2".
 */
import type { ClientHttp2Session } from 'node:http2'
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import { appliedByAnswer, isRefusal } from './errors.ts'
import { EventQueue } from './event-queue.ts'
import { FrameReader, frame } from './grpc-frames.ts'
import type { TLSMaterial } from './options.ts'
import { type Applied, grpcStatus, TransportError } from './transport.ts'

// Loaded when it is needed: a bundler hoists an import of the runtime's modules to the start of a
// one-shot program, which then pays for it in every call.
const { connect, constants } = process.getBuiltinModule('node:http2')

export type Metadata = Readonly<Record<string, string>>

export interface Target {
  /** `http(s)://host:port`. */
  readonly endpoint: string
  readonly tls: TLSMaterial | undefined
  readonly dialTimeoutMs: number
}

export interface CallBound {
  readonly timeoutMs: number
  readonly cancellation?: Cancellation | undefined
}

/** etcd ends connections that ping more often than every 5 s (`--grpc-keepalive-min-time`). */
const pingIntervalMs = 6_000

type Headers = Readonly<Record<string, unknown>>

/** gRPC escapes its messages like URLs; one that is not well escaped is taken as it stands. */
const unescaped = (message: string): string => {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

/** The outcome that headers or trailers state; undefined when they state none. */
const statedOutcome = (headers: Headers): { status: number; message: string } | undefined => {
  const status = headers['grpc-status']
  if (status !== undefined) {
    return { status: Number(status), message: unescaped(String(headers['grpc-message'] ?? '')) }
  }
  const http = headers[':status']
  if (http === undefined || Number(http) === 200) return undefined
  return { status: grpcStatus.unknown, message: `it answered with HTTP status ${http}` }
}

/** OpenSSL's messages are a line of its own source code; its reason is what people can read. */
const messageOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const { code, reason } = cause as { code?: string; reason?: string }
  if (reason !== undefined) return `TLS failed: ${reason}`
  return cause.message !== '' ? cause.message : (code ?? cause.name)
}

export class Connection {
  readonly #session: ClientHttp2Session
  readonly #endpoint: string
  readonly #ready: Promise<void>
  #isOpen = true
  #calls = 0

  constructor({ endpoint, tls, dialTimeoutMs }: Target) {
    this.#endpoint = endpoint
    this.#session = connect(endpoint, { ...tls })
    this.#ready = this.#whenReady(dialTimeoutMs)
    this.#ready.catch(() => undefined)
    this.#session.on('close', () => {
      this.#isOpen = false
    })
    this.#session.on('goaway', () => {
      this.#isOpen = false
    })
  }

  /** Whether new calls may be made on it. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#session.destroyed && !this.#session.closed
  }

  #whenReady(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        clearTimeout(timer)
        this.destroy()
        const text = `${this.#endpoint} cannot be reached: ${messageOf(cause)}`
        reject(new TransportError(grpcStatus.unavailable, text, 'No', cause))
      }
      const timer = setTimeout(() => fail(`no connection within ${timeoutMs} ms`), timeoutMs)
      this.#session.once('connect', () => {
        clearTimeout(timer)
        resolve()
      })
      this.#session.on('error', fail)
      this.#session.once('close', () => fail('the connection was closed'))
    })
  }

  #lost(what: string, applied: Applied, cause?: unknown): TransportError {
    return new TransportError(grpcStatus.unavailable, `${this.#endpoint}: ${what}`, applied, cause)
  }

  #request(path: string, metadata: Metadata) {
    try {
      return this.#session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...metadata,
      })
    } catch (cause) {
      throw this.#lost(messageOf(cause), 'No', cause)
    }
  }

  /** One message there, one back. Rejects with TransportError. */
  async call(path: string, body: Uint8Array, metadata: Metadata, bound: CallBound) {
    await this.#ready
    if (bound.cancellation?.aborted) {
      throw new TransportError(grpcStatus.cancelled, 'the call was cancelled', 'No')
    }
    this.#calls += 1
    try {
      return await this.#exchange(path, body, metadata, bound)
    } finally {
      this.#calls -= 1
      if (!this.#isOpen && this.#calls === 0) this.destroy()
    }
  }

  /** Takes no new calls; those under way go on: what one call gives up, others may still get. */
  retire(): void {
    this.#isOpen = false
    if (this.#calls === 0) this.destroy()
  }

  #exchange(
    path: string,
    body: Uint8Array,
    metadata: Metadata,
    { timeoutMs, cancellation }: CallBound,
  ): Promise<Uint8Array> {
    const stream = this.#request(path, { ...metadata, 'grpc-timeout': `${timeoutMs}m` })
    return new Promise((resolve, reject) => {
      const reader = new FrameReader()
      let outcome: { status: number; message: string } | undefined
      const settle = (error?: TransportError): void => {
        clearTimeout(timer)
        cancellation?.removeEventListener('abort', onAbort)
        if (error !== undefined) {
          reject(error)
          if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL)
        } else resolve(reader.frames[0] as Uint8Array)
      }
      const onAbort = (): void =>
        settle(new TransportError(grpcStatus.cancelled, 'the call was cancelled', 'Maybe'))
      const timer = setTimeout(() => {
        const text = `${this.#endpoint} did not answer within ${timeoutMs} ms`
        settle(new TransportError(grpcStatus.deadlineExceeded, text, 'Maybe'))
      }, timeoutMs)
      cancellation?.addEventListener('abort', onAbort)
      stream.on('response', (headers: Headers) => {
        outcome = statedOutcome(headers) ?? outcome
      })
      stream.on('trailers', (headers: Headers) => {
        outcome = statedOutcome(headers) ?? outcome
      })
      stream.on('data', (chunk: Uint8Array) => reader.push(chunk))
      stream.on('error', (cause: Error) => {
        const isRefused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM
        const text = messageOf(cause)
        settle(this.#lost(text, isRefused || isRefusal(text) ? 'No' : 'Maybe', cause))
      })
      stream.on('close', () => {
        if (outcome === undefined) settle(this.#lost('the connection was lost', 'Maybe'))
        else if (outcome.status !== 0) settle(answered(outcome))
        else if (reader.frames.length > 0) settle()
        else settle(this.#lost('the answer was empty', 'Maybe'))
      })
      stream.end(frame(body))
    })
  }

  /** One message there, many back, until cancelled or broken. Rejects with TransportError. */
  async *stream(
    path: string,
    body: Uint8Array,
    metadata: Metadata,
    cancellation: Cancellation,
  ): AsyncGenerator<Uint8Array> {
    await this.#ready
    const stream = this.#request(path, metadata)
    const reader = new FrameReader()
    const queue = new EventQueue<Uint8Array>()
    let outcome: { status: number; message: string } | undefined
    stream.on('response', (headers: Headers) => {
      outcome = statedOutcome(headers)
    })
    stream.on('trailers', (headers: Headers) => {
      outcome = statedOutcome(headers) ?? outcome
    })
    stream.on('data', (chunk: Uint8Array) => {
      reader.push(chunk)
      for (const one of reader.frames.splice(0)) queue.push(one)
    })
    stream.on('error', (cause: Error) => queue.fail(this.#lost(messageOf(cause), 'No', cause)))
    stream.on('close', () =>
      queue.fail(outcome === undefined ? this.#lost('the stream ended', 'No') : answered(outcome)),
    )
    const stopPings = this.#keepAlive()
    const onAbort = (): void => queue.end()
    cancellation.addEventListener('abort', onAbort)
    if (cancellation.aborted) queue.end()
    try {
      stream.write(frame(body))
      yield* queue
    } finally {
      cancellation.removeEventListener('abort', onAbort)
      stopPings()
      if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL)
    }
  }

  /** A member that is stopped or cut off keeps its connections and says nothing: ask it. */
  #keepAlive(): () => void {
    let isAwaited = false
    const timer = setInterval(() => {
      if (isAwaited || !this.isOpen) {
        this.destroy()
        return
      }
      isAwaited = true
      this.#session.ping(() => {
        isAwaited = false
      })
    }, pingIntervalMs)
    return () => clearInterval(timer)
  }

  destroy(): void {
    this.#isOpen = false
    if (!this.#session.destroyed) this.#session.destroy()
  }
}

const answered = ({ status, message }: { status: number; message: string }): TransportError =>
  new TransportError(status, message, appliedByAnswer(status, message))
