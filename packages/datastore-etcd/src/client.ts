/**
 * The transport for long-lived processes, on the etcd3 package: its only importer. Its own retries
 * are switched off, because it repeats a transaction whose answer was lost, and the second time our
 * own write looks like somebody else's; failover.ts repeats what may be repeated.
 */
import { isIP } from 'node:net'
import type { Cancellation } from '@hc-calico/ipam-core/ports'
import { Etcd3, type IOptions, type IRequestOp, type IResponseOp, type IWatchResponse } from 'etcd3'
import { discoveredEndpoints } from './discovery.ts'
import { appliedByAnswer, isWithoutAuthentication } from './errors.ts'
import { EventQueue } from './event-queue.ts'
import { orCancelled, withFailover } from './failover.ts'
import { createLeanTransport, endOf } from './lean-transport.ts'
import type { EtcdSettings } from './options.ts'
import {
  type ChangeBatch,
  type EtcdTransport,
  grpcStatus,
  type KeyRange,
  type Operation,
  type StoredPair,
  type Transaction,
  type TransactionResult,
  type TransportCall,
  TransportError,
} from './transport.ts'

interface WirePair {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly mod_revision: string
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

const pairOf = ({ key, value, mod_revision }: WirePair): StoredPair => ({
  key: text(key),
  value: text(value),
  modRevision: BigInt(mod_revision),
})

const rangeRequest = ({ key, end }: KeyRange) => ({
  key: Buffer.from(key),
  ...(end === undefined ? {} : { range_end: Buffer.from(end) }),
})

const requestOp = (operation: Operation): IRequestOp => {
  switch (operation.tag) {
    case 'Range': {
      const { range, revision } = operation
      const at = revision === undefined ? {} : { revision: `${revision}` }
      return { request_range: { ...rangeRequest(range), ...at } }
    }
    case 'Put':
      return {
        request_put: { key: Buffer.from(operation.key), value: Buffer.from(operation.value) },
      }
    case 'Delete':
      return { request_delete_range: { key: Buffer.from(operation.key) } }
  }
}

const foundBy = ({ response_range }: IResponseOp): ReadonlyArray<StoredPair> =>
  (response_range?.kvs ?? []).map(pairOf)

const notSent = /No connection established|Name resolution failed|client was already closed/

/** etcd3's errors carry gRPC's status in their text only. */
const toTransportError = (cause: unknown): TransportError => {
  if (cause instanceof TransportError) return cause
  const full = cause instanceof Error ? cause.message : String(cause)
  const [, code, words] = /(?:^|: )(\d{1,2}) [A-Z_]+: ([\s\S]*)$/.exec(full) ?? []
  const status = code === undefined ? grpcStatus.unknown : Number(code)
  const message = words ?? full
  const applied = notSent.test(message) ? 'No' : appliedByAnswer(status, message)
  return new TransportError(status, message, applied, cause)
}

/** A policy of etcd3's kind that does nothing. */
const once = { execute: async (act: (context: object) => unknown) => act({}) } as never

const optionsOf = (settings: EtcdSettings, hosts: ReadonlyArray<string>): IOptions => {
  const { tls, signIn, attemptTimeoutMs, dialTimeoutMs } = settings
  const deadline = () => ({ deadline: Date.now() + attemptTimeoutMs })
  const credentials = tls && {
    rootCertificate: (tls.ca === undefined ? null : Buffer.from(tls.ca)) as Buffer,
    ...(tls.cert === undefined || tls.key === undefined
      ? {}
      : { certChain: Buffer.from(tls.cert), privateKey: Buffer.from(tls.key) }),
  }
  return {
    hosts: [...hosts],
    dialTimeout: dialTimeoutMs,
    ...(credentials === undefined ? {} : { credentials }),
    ...(signIn === undefined ? {} : { auth: { ...signIn, callOptions: deadline } }),
    defaultCallOptions: ({ isStream }) => (isStream ? {} : deadline()),
    faultHandling: { global: once, host: () => once },
    grpcOptions: {
      'grpc.max_receive_message_length': -1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 3_000,
    },
  }
}

class Etcd3Transport implements EtcdTransport {
  #client: Etcd3
  #retired: Etcd3 | undefined
  readonly #settings: EtcdSettings
  readonly #hosts: ReadonlyArray<string>

  constructor(settings: EtcdSettings, hosts: ReadonlyArray<string>) {
    this.#settings = settings
    this.#hosts = hosts
    this.#client = new Etcd3(optionsOf(settings, hosts))
  }

  transact(transaction: Transaction, call: TransportCall): Promise<TransactionResult> {
    const request = {
      compare: transaction.compare.map(({ key, modRevision }) => ({
        result: 'Equal' as const,
        target: 'Mod' as const,
        key: Buffer.from(key),
        mod_revision: `${modRevision}`,
      })),
      success: transaction.success.map(requestOp),
      failure: transaction.failure.map(requestOp),
    }
    return withFailover(call, {
      members: this.#hosts.length,
      callTimeoutMs: this.#settings.callTimeoutMs,
      attemptTimeoutMs: this.#settings.attemptTimeoutMs,
      send: async (timeoutMs) => {
        try {
          const options = { deadline: Date.now() + timeoutMs }
          const sent = this.#client.kv.txn(request, options)
          const { header, succeeded, responses } = await orCancelled(sent, call.cancellation)
          return { succeeded, revision: BigInt(header.revision), found: responses.map(foundBy) }
        } catch (cause) {
          const error = toTransportError(cause)
          if (isWithoutAuthentication(error)) this.#signInNoMore()
          throw error
        }
      },
      // It picks another member by itself, and renews its token by itself.
      turn: () => undefined,
      renewToken: () => undefined,
    })
  }

  async *changes(
    range: KeyRange,
    fromRevision: bigint,
    cancellation: Cancellation,
  ): AsyncGenerator<ChangeBatch> {
    const stream = await this.#client.watchClient.watch().catch((cause: unknown) => {
      throw toTransportError(cause)
    })
    const queue = new EventQueue<ChangeBatch>()
    const abort = (): void => queue.end()
    cancellation.addEventListener('abort', abort)
    if (cancellation.aborted) abort()
    stream.on('data', (answer) => {
      if (answer.canceled) queue.fail(endOfWatch(answer))
      else if (!answer.created) queue.push(batchOf(answer))
    })
    stream.on('error', (cause) => queue.fail(toTransportError(cause)))
    stream.on('end', () =>
      queue.fail(new TransportError(grpcStatus.unavailable, 'the stream ended', 'No')),
    )
    try {
      stream.write({
        create_request: {
          ...rangeRequest(range),
          start_revision: `${fromRevision}`,
          progress_notify: true,
        },
      })
      yield* queue
    } finally {
      cancellation.removeEventListener('abort', abort)
      stream.cancel()
    }
  }

  /** A user name where authentication is off is no reason to fail. Calls under way may go on. */
  #signInNoMore(): void {
    if (this.#retired !== undefined) return
    const { signIn: _, ...settings } = this.#settings
    this.#retired = this.#client
    this.#client = new Etcd3(optionsOf(settings, this.#hosts))
  }

  async close(): Promise<void> {
    this.#client.close()
    this.#retired?.close()
  }
}

const endOfWatch = ({ compact_revision, cancel_reason }: IWatchResponse): TransportError =>
  endOf({ compactRevision: BigInt(compact_revision), reason: cancel_reason })

const batchOf = ({ header, events }: IWatchResponse): ChangeBatch => ({
  revision: BigInt(header.revision),
  changes: events.map(({ type, kv }) =>
    String(type).toUpperCase() === 'DELETE'
      ? { tag: 'Deleted', key: text(kv.key) }
      : { tag: 'Put', pair: pairOf(kv) },
  ),
})

/** An endpoint that etcd3 cannot verify: it hands an IP address to TLS as a server name. */
const isSecureByAddress = (endpoint: string): boolean => {
  const { protocol, hostname } = new URL(endpoint)
  return protocol === 'https:' && isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
}

/**
 * etcd3, or where it cannot work, the other transport: Node 26 refuses an IP address as the server
 * name of a TLS connection, and clusters are commonly addressed so.
 */
export const createEtcd3Transport = async (settings: EtcdSettings): Promise<EtcdTransport> => {
  const { endpoints, discoverySRV = '' } = settings
  const hosts = endpoints.length > 0 ? endpoints : await discoveredEndpoints(discoverySRV)
  return hosts.some(isSecureByAddress)
    ? createLeanTransport({ ...settings, endpoints: hosts })
    : new Etcd3Transport(settings, hosts)
}
