/**
 * An HTTP proxy in front of a real API server that answers, or fails, in its place when told to.
 * Requests that nobody has a plan for are passed on as they are.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Kubernetes } from '@hc-calico/cluster/kubernetes'
import { createLeanKubeClient, type KubeClient, type Method } from '@hc-calico/kube-client/lean'

export interface ProxiedRequest {
  readonly method: string
  readonly path: string
}

export type Plan =
  /** Answered by the proxy; the server sees nothing. */
  | {
      readonly tag: 'Answer'
      readonly status: number
      readonly headers?: Record<string, string>
      readonly text?: string
    }
  /** The server carries it out, and the connection breaks before its answer. */
  | { readonly tag: 'LoseReply' }
  /** The connection breaks, and the server sees nothing. */
  | { readonly tag: 'LoseRequest' }
  /** The server is asked for another path. */
  | { readonly tag: 'Redirect'; readonly path: string }

export interface APIProxy {
  readonly url: string
  /** Asked for every request; undefined: passed on. */
  plan: (request: ProxiedRequest) => Plan | undefined
  /** Breaks every connection there is. */
  cut(): void
  /** A client that goes through it. */
  client(): Promise<KubeClient>
  close(): Promise<void>
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks).toString()
}

export const startAPIProxy = async (kubernetes: Kubernetes): Promise<APIProxy> => {
  const upstream = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  /** A watch, line by line, until either side ends it. */
  const stream = async (
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const end = new AbortController()
    request.on('close', () => end.abort())
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for await (const line of upstream.watch(path, end.signal)) response.write(`${line}\n`)
    response.end()
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url: path = '/' } = request
    const body = await bodyOf(request)
    const plan = proxy.plan({ method, path })
    if (plan?.tag === 'LoseRequest') return void request.socket.destroy()
    if (plan?.tag === 'Answer') {
      response.writeHead(plan.status, plan.headers)
      return void response.end(plan.text ?? '{}')
    }
    if (path.includes('watch=1')) return stream(path, request, response)
    const answer = await upstream.request({
      method: method as Method,
      path: plan?.tag === 'Redirect' ? plan.path : path,
      ...(body === '' ? {} : { body, contentType: request.headers['content-type'] ?? '' }),
    })
    if (plan?.tag === 'LoseReply') return void request.socket.destroy()
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(answer.text)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const proxy: APIProxy = {
    url,
    plan: () => undefined,
    cut: () => server.closeAllConnections(),
    client: () => createLeanKubeClient({ apiRoot: url, requestTimeoutMs: 3_000 }),
    close: async () => {
      await upstream.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
