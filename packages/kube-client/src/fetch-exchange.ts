/**
 * HTTP on Bun's fetch, which takes TLS settings and starts in half the time of node:https there.
 * It does not tell whether a request had been sent when it failed, so only what fails before this
 * client's first answer, and by its name cannot have been sent, counts as not sent.
 */
import type { TLSSettings } from './access.ts'
import type { Exchange, HTTPRequest } from './exchange.ts'
import { KubeUnreachable } from './kube-client.ts'

const neverSent = new Set([
  'ConnectionRefused',
  'ECONNREFUSED',
  'FailedToOpenSocket',
  'ENOTFOUND',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

type BunInit = RequestInit & { readonly tls: Readonly<Record<string, unknown>> }

const tlsInit = (tls: TLSSettings): BunInit['tls'] => ({
  ...(tls.ca === undefined ? {} : { ca: tls.ca }),
  ...(tls.cert === undefined ? {} : { cert: tls.cert }),
  ...(tls.key === undefined ? {} : { key: tls.key }),
  ...(tls.servername === undefined ? {} : { serverName: tls.servername }),
  ...(tls.isUnverified === true ? { rejectUnauthorized: false } : {}),
})

export const createFetchExchange = (tls: TLSSettings): Exchange => {
  const settings = tlsInit(tls)
  let hasAnswered = false

  const unreachable = ({ url, timeoutMs }: HTTPRequest, cause: unknown): KubeUnreachable => {
    const { code, name, message } = cause as { code?: string; name?: string; message?: string }
    const why =
      name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : (message ?? code ?? '')
    const isSent = hasAnswered || !neverSent.has(code ?? '')
    const { host } = new URL(url)
    return new KubeUnreachable(`the Kubernetes API at ${host}: ${why}`, isSent, cause)
  }

  const begin = async (asked: HTTPRequest, signal: AbortSignal): Promise<Response> => {
    const { method, headers, body } = asked
    const init: BunInit = {
      method,
      headers,
      redirect: 'manual',
      signal,
      tls: settings,
      ...(body === undefined ? {} : { body }),
    }
    const response = await fetch(asked.url, init)
    hasAnswered = true
    return response
  }

  /** A signal that fires when the call is cancelled, or when its time is over. */
  const signalFor = ({ cancellation, timeoutMs }: HTTPRequest) => {
    const controller = new AbortController()
    const onAbort = (): void => controller.abort(new Error('the call was cancelled'))
    const timer = setTimeout(
      () => controller.abort(new DOMException('timed out', 'TimeoutError')),
      timeoutMs,
    )
    cancellation?.addEventListener('abort', onAbort)
    const stopClock = (): void => clearTimeout(timer)
    const settle = (): void => {
      stopClock()
      cancellation?.removeEventListener('abort', onAbort)
    }
    return { signal: controller.signal, stopClock, settle }
  }

  return {
    send: async (asked) => {
      const { signal, settle } = signalFor(asked)
      try {
        const response = await begin(asked, signal)
        const text = await response.text()
        const retryAfter = response.headers.get('retry-after') ?? undefined
        return { status: response.status, retryAfter, text }
      } catch (cause) {
        throw unreachable(asked, cause)
      } finally {
        settle()
      }
    },
    stream: async (asked) => {
      const { signal, stopClock } = signalFor(asked)
      try {
        const response = await begin(asked, signal)
        stopClock()
        const retryAfter = response.headers.get('retry-after') ?? undefined
        const chunks = (response.body ?? []) as unknown as AsyncIterable<Uint8Array>
        return { status: response.status, retryAfter, chunks }
      } catch (cause) {
        throw unreachable(asked, cause)
      }
    },
    close: () => undefined,
  }
}
