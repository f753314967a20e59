/** A client on an access and an exchange: headers, rate limit, one fresh sign-in after a 401. */
import type { Access } from './access.ts'
import type { Exchange, HTTPResponse } from './exchange.ts'
import {
  type Cancellation,
  type KubeClient,
  KubeRefused,
  type KubeRequest,
  type KubeResponse,
  KubeUnreachable,
} from './kube-client.ts'
import { lines } from './lines.ts'
import { defaultBurst, defaultRequestTimeoutMs, type KubeClientOptions } from './options.ts'
import { type RateLimit, rateLimit } from './rate-limit.ts'

const userAgent = 'hc-calico'

/** Seconds, or a date. */
const retryAfterMs = (value: string | undefined): { readonly retryAfterMs?: number } => {
  if (value === undefined) return {}
  const ms = /^\d{1,6}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? { retryAfterMs: Math.max(0, ms) } : {}
}

const responseOf = ({ status, text, retryAfter }: HTTPResponse): KubeResponse => ({
  status,
  text,
  ...retryAfterMs(retryAfter),
})

class Client implements KubeClient {
  readonly #access: Access
  readonly #exchange: Exchange
  readonly #limit: RateLimit
  readonly #timeoutMs: number

  constructor(access: Access, exchange: Exchange, options: KubeClientOptions) {
    const { qps = 0, burst = 0 } = options
    this.#access = access
    this.#exchange = exchange
    this.#limit = rateLimit(qps, burst > 0 ? burst : Math.max(defaultBurst, qps))
    this.#timeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs
  }

  async request(request: KubeRequest): Promise<KubeResponse> {
    await this.#admit(request)
    const answer = await this.#exchange.send(await this.#prepared(request))
    if (answer.status !== 401) return responseOf(answer)
    // The token may have been replaced since it was read.
    this.#access.renew()
    return responseOf(await this.#exchange.send(await this.#prepared(request)))
  }

  async *watch(path: string, cancellation: Cancellation): AsyncGenerator<string> {
    const request: KubeRequest = { method: 'GET', path, cancellation }
    await this.#admit(request)
    const { status, retryAfter, chunks } = await this.#exchange.stream(
      await this.#prepared(request),
    )
    if (status !== 200) {
      let text = ''
      for await (const line of lines(chunks)) text += line
      if (status === 401) this.#access.renew()
      throw new KubeRefused(responseOf({ status, retryAfter, text }))
    }
    try {
      yield* lines(chunks)
    } catch (cause) {
      if (cancellation.aborted) return
      throw new KubeUnreachable(`the watch broke off: ${(cause as Error).message}`, false, cause)
    }
  }

  async close(): Promise<void> {
    this.#exchange.close()
  }

  async #admit({ cancellation }: KubeRequest): Promise<void> {
    await this.#limit.admit(cancellation)
    if (cancellation?.aborted) throw new KubeUnreachable('the call was cancelled', false)
  }

  async #prepared({ method, path, body, contentType, cancellation }: KubeRequest) {
    const described =
      body === undefined
        ? {}
        : {
            'content-type': contentType ?? 'application/json',
            // Stated, because node sends a DELETE's body without its length; the server skips it.
            'content-length': String(Buffer.byteLength(body)),
          }
    return {
      method,
      url: `${this.#access.server}${path}`,
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        ...described,
        ...(await this.#access.headers()),
      },
      body,
      timeoutMs: this.#timeoutMs,
      cancellation,
    }
  }
}

export const createClientOn = (
  access: Access,
  exchange: Exchange,
  options: KubeClientOptions,
): KubeClient => new Client(access, exchange, options)
