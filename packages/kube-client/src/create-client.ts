/** A client on an access and an exchange: headers, rate limit, one fresh sign-in after a 401. */
import type { Access } from './access.ts'
import type { Exchange, HTTPRequest, HTTPResponse } from './exchange.ts'
import {
  type KubeClient,
  KubeRefused,
  type KubeRequest,
  type KubeResponse,
  KubeUnreachable,
} from './kube-client.ts'
import { lines } from './lines.ts'
import { defaultBurst, defaultRequestTimeoutMs, type KubeClientOptions } from './options.ts'
import { rateLimit } from './rate-limit.ts'

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

export const createClientOn = (
  access: Access,
  exchange: Exchange,
  options: KubeClientOptions,
): KubeClient => {
  const { qps = 0 } = options
  const limit = rateLimit(qps, options.burst || Math.max(defaultBurst, qps))
  const timeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs

  const prepared = async (request: KubeRequest): Promise<HTTPRequest> => ({
    method: request.method,
    url: `${access.server}${request.path}`,
    headers: {
      accept: 'application/json',
      'user-agent': userAgent,
      ...(request.body === undefined
        ? {}
        : {
            'content-type': request.contentType ?? 'application/json',
            // Stated, because node sends a DELETE's body without its length, and the server skips it.
            'content-length': String(Buffer.byteLength(request.body)),
          }),
      ...(await access.headers()),
    },
    body: request.body,
    timeoutMs,
    cancellation: request.cancellation,
  })

  const admit = async ({ cancellation }: KubeRequest): Promise<void> => {
    await limit.admit()
    if (cancellation?.aborted) throw new KubeUnreachable('the call was cancelled', false)
  }

  return {
    request: async (request) => {
      await admit(request)
      const answer = await exchange.send(await prepared(request))
      if (answer.status !== 401) return responseOf(answer)
      // The token may have been replaced since it was read.
      access.renew()
      return responseOf(await exchange.send(await prepared(request)))
    },
    async *watch(path, cancellation) {
      const request: KubeRequest = { method: 'GET', path, cancellation }
      await admit(request)
      const { status, retryAfter, chunks } = await exchange.stream(await prepared(request))
      if (status !== 200) {
        let text = ''
        for await (const line of lines(chunks)) text += line
        if (status === 401) access.renew()
        throw new KubeRefused(responseOf({ status, retryAfter, text }))
      }
      try {
        yield* lines(chunks)
      } catch (cause) {
        if (cancellation.aborted) return
        throw new KubeUnreachable(`the watch broke off: ${(cause as Error).message}`, false, cause)
      }
    },
    close: async () => exchange.close(),
  }
}
