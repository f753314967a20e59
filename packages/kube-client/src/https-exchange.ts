/** HTTP on node:https with connections that are kept. */

import type { ClientRequest, IncomingMessage, Agent as PlainAgent } from 'node:http'
import type { Agent } from 'node:https'
import type { TLSSettings } from './access.ts'
import type { Exchange, HTTPRequest, HTTPResponse, HTTPStream } from './exchange.ts'
import { KubeUnreachable } from './kube-client.ts'

// Loaded when it is needed: a bundler hoists an import of the runtime's modules to the start of a
// one-shot program, which then pays for it in every call.
const plain = process.getBuiltinModule('node:http')
const secure = process.getBuiltinModule('node:https')

const socketsMax = 64

const kept = { keepAlive: true, maxSockets: socketsMax }

const agentFor = (tls: TLSSettings): Agent =>
  new secure.Agent({
    ...kept,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    rejectUnauthorized: tls.isUnverified !== true,
  })

const describe = (cause: unknown): string => {
  const { message, code } = cause as { message?: string; code?: string }
  return message !== undefined && message !== '' ? message : (code ?? String(cause))
}

interface Sending {
  readonly request: ClientRequest
  /** Whether the request is on its way; before that nothing can have been carried out. */
  readonly isSent: () => boolean
}

const begin = (
  { method, url, headers, body }: HTTPRequest,
  agents: { readonly secure: Agent; readonly plain: PlainAgent },
): Sending => {
  const isSecure = url.startsWith('https:')
  const options = { method, headers, agent: isSecure ? agents.secure : agents.plain }
  const request = isSecure ? secure.request(url, options) : plain.request(url, options)
  let isSent = false
  request.once('socket', (socket) => {
    const sent = (): void => {
      isSent = true
    }
    // A request that waited for a connection gets one that is open already, and no event tells so.
    if (!socket.connecting) sent()
    else socket.once(isSecure ? 'secureConnect' : 'connect', sent)
  })
  request.end(body)
  return { request, isSent: () => isSent }
}

/** Resolves with the headers. Rejects with KubeUnreachable; `ended` runs when it is over. */
const answered = (
  asked: HTTPRequest,
  { request, isSent }: Sending,
): Promise<{ readonly response: IncomingMessage; readonly settle: () => void }> =>
  new Promise((resolve, reject) => {
    const { cancellation, timeoutMs, url } = asked
    const { host } = new URL(url)
    const fail = (why: string, cause?: unknown): void => {
      settle()
      reject(new KubeUnreachable(`the Kubernetes API at ${host}: ${why}`, isSent(), cause))
      request.destroy()
    }
    const onAbort = (): void => fail('the call was cancelled')
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs)
    const settle = (): void => {
      clearTimeout(timer)
      cancellation?.removeEventListener('abort', onAbort)
    }
    cancellation?.addEventListener('abort', onAbort)
    request.on('error', (cause) => fail(describe(cause), cause))
    request.on('response', (response) => {
      // Errors from now on belong to whoever reads the body; time still runs until it has it.
      response.on('error', () => undefined)
      response.on('close', () => {
        if (!response.complete) fail('the connection was lost')
      })
      resolve({ response, settle })
    })
  })

const bodyOf = (response: IncomingMessage): Promise<string | undefined> =>
  new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    response.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    response.on('end', () => resolve(Buffer.concat(chunks).toString()))
    response.on('close', () =>
      resolve(response.complete ? Buffer.concat(chunks).toString() : undefined),
    )
  })

export const createHTTPSExchange = (tls: TLSSettings): Exchange => {
  const agents = { secure: agentFor(tls), plain: new plain.Agent(kept) }
  const send = async (asked: HTTPRequest): Promise<HTTPResponse> => {
    const { response, settle } = await answered(asked, begin(asked, agents))
    const text = await bodyOf(response)
    settle()
    if (text === undefined) {
      const { host } = new URL(asked.url)
      throw new KubeUnreachable(`the Kubernetes API at ${host}: its answer broke off`, true)
    }
    return {
      status: response.statusCode ?? 0,
      retryAfter: response.headers['retry-after'],
      text,
    }
  }
  const stream = async (asked: HTTPRequest): Promise<HTTPStream> => {
    const sending = begin(asked, agents)
    const { response, settle } = await answered(asked, sending)
    settle()
    const onAbort = (): void => void response.destroy()
    asked.cancellation?.addEventListener('abort', onAbort)
    response.on('close', () => asked.cancellation?.removeEventListener('abort', onAbort))
    return {
      status: response.statusCode ?? 0,
      retryAfter: response.headers['retry-after'],
      chunks: response,
    }
  }
  const close = (): void => {
    agents.secure.destroy()
    agents.plain.destroy()
  }
  return { send, stream, close }
}
