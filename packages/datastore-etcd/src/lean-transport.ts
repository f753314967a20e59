/**
 * The transport for processes that live for one call: gRPC over node:http2 with the messages of
 * messages.ts, nothing loaded that is not used. It keeps one connection, to the member that
 * answered last, and signs in when the first call needs it.
 */
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import { discoveredEndpoints } from './discovery.ts'
import { isStaleToken, isWithoutAuthentication } from './errors.ts'
import { orCancelled, withFailover } from './failover.ts'
import { type CallBound, Connection, type Metadata } from './http2-connection.ts'
import {
  decodeToken,
  decodeTransactionResult,
  decodeWatchAnswer,
  encodeSignIn,
  encodeTransaction,
  encodeWatch,
} from './messages.ts'
import type { EtcdSettings } from './options.ts'
import {
  type ChangeBatch,
  type EtcdTransport,
  grpcStatus,
  type KeyRange,
  type Transaction,
  type TransactionResult,
  type TransportCall,
  TransportError,
} from './transport.ts'

const transactionPath = '/etcdserverpb.KV/Txn'
const signInPath = '/etcdserverpb.Auth/Authenticate'
const watchPath = '/etcdserverpb.Watch/Watch'

/** A member without a leader says so at once instead of letting the call wait. */
const requireLeader: Metadata = { hasleader: 'true' }

class LeanTransport implements EtcdTransport {
  readonly #settings: EtcdSettings
  #endpoints: ReadonlyArray<string>
  /** Index of the member in use. */
  #at = 0
  #connection: Connection | undefined
  /** One sign-in for all calls that wait for it: etcd spends some 100 ms on each. */
  #token: Promise<string> | undefined

  constructor(settings: EtcdSettings) {
    this.#settings = settings
    this.#endpoints = settings.endpoints
    // Processes that start at the same time should not all ask the first member.
    this.#at = Math.floor(Math.random() * Math.max(1, settings.endpoints.length))
  }

  async transact(transaction: Transaction, call: TransportCall): Promise<TransactionResult> {
    await this.#discover()
    const body = encodeTransaction(transaction)
    const { callTimeoutMs, attemptTimeoutMs } = this.#settings
    // What this call used: others may have turned, or signed in again, since.
    let at = this.#at
    let token: Promise<string> | undefined
    const answer = await withFailover(call, {
      members: this.#endpoints.length,
      callTimeoutMs,
      attemptTimeoutMs,
      send: (timeoutMs) => {
        at = this.#at
        const sent = this.#send(body, { timeoutMs, cancellation: call.cancellation })
        token = this.#token
        return sent
      },
      turn: () => this.#turn(at),
      renewToken: () => this.#forget(token),
    })
    return decodeTransactionResult(answer)
  }

  async *changes(
    range: KeyRange,
    fromRevision: bigint,
    cancellation: Cancellation,
  ): AsyncGenerator<ChangeBatch> {
    await this.#discover()
    const timeoutMs = this.#settings.attemptTimeoutMs
    const at = this.#at
    // A connection of its own: giving up on a slow call must not end the stream.
    const connection = this.#connect()
    try {
      const metadata = await this.#metadata(connection, { timeoutMs, cancellation })
      const body = encodeWatch(range, fromRevision)
      for await (const bytes of connection.stream(watchPath, body, metadata, cancellation)) {
        const answer = decodeWatchAnswer(bytes)
        if (answer.isCancelled) throw endOf(answer)
        if (!answer.isCreated) yield answer
      }
    } catch (cause) {
      this.#turn(at)
      if (cause instanceof TransportError && isStaleToken(cause)) this.#token = undefined
      throw cause
    } finally {
      connection.destroy()
    }
  }

  async close(): Promise<void> {
    this.#connection?.destroy()
    this.#connection = undefined
  }

  async #discover(): Promise<void> {
    const { discoverySRV } = this.#settings
    if (this.#endpoints.length > 0 || discoverySRV === undefined) return
    this.#endpoints = await discoveredEndpoints(discoverySRV)
  }

  #connect(): Connection {
    const endpoint = this.#endpoints[this.#at % this.#endpoints.length] as string
    const { tls, dialTimeoutMs } = this.#settings
    const isSecure = endpoint.startsWith('https:')
    return new Connection({ endpoint, tls: isSecure ? tls : undefined, dialTimeoutMs })
  }

  /**
   * The next call goes to another member, on a new connection; unless a call that failed at the same
   * time has turned already, or several failures would lead back to the member that is lost.
   */
  #turn(from: number): void {
    if (this.#at !== from) return
    this.#at += 1
    this.#connection?.retire()
    this.#connection = undefined
  }

  #forget(token: Promise<string> | undefined): void {
    if (this.#token === token) this.#token = undefined
  }

  async #send(body: Uint8Array, bound: CallBound): Promise<Uint8Array> {
    if (this.#connection === undefined || !this.#connection.isOpen) {
      this.#connection = this.#connect()
    }
    const connection = this.#connection
    const metadata = await this.#metadata(connection, bound)
    return connection.call(transactionPath, body, metadata, bound)
  }

  async #metadata(connection: Connection, bound: CallBound): Promise<Metadata> {
    const { signIn } = this.#settings
    if (signIn === undefined) return requireLeader
    this.#token ??= this.#signIn(connection, bound.timeoutMs)
    const pending = this.#token
    try {
      const token = await orCancelled(pending, bound.cancellation)
      return token === '' ? requireLeader : { ...requireLeader, token }
    } catch (cause) {
      if (!bound.cancellation?.aborted) this.#forget(pending)
      throw cause
    }
  }

  /** A token; the empty one where authentication is off, which is no reason to fail. */
  async #signIn(connection: Connection, timeoutMs: number): Promise<string> {
    const { username = '', password = '' } = this.#settings.signIn ?? {}
    try {
      const body = encodeSignIn(username, password)
      return decodeToken(await connection.call(signInPath, body, requireLeader, { timeoutMs }))
    } catch (cause) {
      if (!(cause instanceof TransportError)) throw cause
      if (isWithoutAuthentication(cause)) return ''
      // Signing in writes nothing of ours, whatever became of it.
      throw new TransportError(cause.status, cause.message, 'No', cause)
    }
  }
}

/** Why etcd ended a watch. */
export const endOf = (answer: {
  readonly compactRevision: bigint
  readonly reason: string
}): TransportError => {
  const { compactRevision, reason } = answer
  if (compactRevision > 0n) {
    const text = `the revision is older than ${compactRevision}, the oldest that is kept`
    return new TransportError(grpcStatus.outOfRange, text, 'No')
  }
  const status = /permission denied/i.test(reason)
    ? grpcStatus.permissionDenied
    : grpcStatus.unavailable
  return new TransportError(status, `the watch was ended: ${reason}`, 'No')
}

export const createLeanTransport = (settings: EtcdSettings): EtcdTransport =>
  new LeanTransport(settings)
