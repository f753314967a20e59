/**
 * What the controller takes for the API server: pods and nodes are made up here, page by page, and
 * their watches carry what the benchmark sends; everything else is passed on to a real API server.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLeanKubeClient, type KubeClient, type Method } from '@hc-calico/kube-client/lean'
import type { ClusterSize } from './cluster-data.ts'
import { nodeDocument, podPage } from './pod-documents.ts'

export interface Front {
  readonly url: string
  /** Sends an event on every watch of pods. */
  sendPod(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: object): void
  /** Bytes of pods and nodes that were listed. */
  readonly listedBytes: number
  close(): Promise<void>
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks).toString()
}

const listText = (
  items: ReadonlyArray<object>,
  next: number | undefined,
  version: string,
): string =>
  JSON.stringify({
    ...{ kind: 'List', apiVersion: 'v1', items },
    metadata: { resourceVersion: version, ...(next === undefined ? {} : { continue: `${next}` }) },
  })

const bookmarkMs = 30_000

class FrontServer implements Front {
  readonly #upstream: KubeClient
  readonly #size: ClusterSize
  readonly #podWatches = new Set<ServerResponse>()
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => request.socket.destroy())
  })
  #version = 1
  listedBytes = 0

  constructor(upstream: KubeClient, size: ClusterSize) {
    this.#upstream = upstream
    this.#size = size
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  sendPod(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: object): void {
    this.#version += 1
    const line = `${JSON.stringify({ type, object: pod })}\n`
    for (const watch of this.#podWatches) watch.write(line)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.#upstream.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://front')
    const isWatch = url.searchParams.has('watch')
    if (request.method === 'GET' && url.pathname === '/api/v1/pods') {
      return isWatch ? this.#watchPods(response) : this.#list(url, response, 'pods')
    }
    if (request.method === 'GET' && url.pathname === '/api/v1/nodes') {
      return isWatch ? this.#keepOpen(response) : this.#list(url, response, 'nodes')
    }
    return isWatch ? this.#passWatch(url, request, response) : this.#pass(url, request, response)
  }

  #list(url: URL, response: ServerResponse, what: 'pods' | 'nodes'): void {
    const start = Number(url.searchParams.get('continue') ?? '0')
    const limit = Number(url.searchParams.get('limit') ?? '500')
    const { nodes, podsPerNode } = this.#size
    const total = what === 'pods' ? nodes * podsPerNode : nodes
    const end = Math.min(start + limit, total)
    const items =
      what === 'pods'
        ? podPage(this.#size, start, limit)
        : Array.from({ length: end - start }, (_, i) => nodeDocument(start + i))
    const text = listText(items, end < total ? end : undefined, String(this.#version))
    this.listedBytes += text.length
    response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

  #keepOpen(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    const bookmark = setInterval(() => {
      const object = { metadata: { resourceVersion: String(this.#version) } }
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
    }, bookmarkMs)
    response.on('close', () => clearInterval(bookmark))
  }

  #watchPods(response: ServerResponse): void {
    this.#keepOpen(response)
    this.#podWatches.add(response)
    response.on('close', () => this.#podWatches.delete(response))
  }

  async #passWatch(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const end = new AbortController()
    request.on('close', () => end.abort())
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    for await (const line of this.#upstream.watch(`${url.pathname}${url.search}`, end.signal)) {
      response.write(`${line}\n`)
    }
    response.end()
  }

  async #pass(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const contentType = request.headers['content-type'] ?? 'application/json'
    const answer = await this.#upstream.request({
      method: (request.method ?? 'GET') as Method,
      path: `${url.pathname}${url.search}`,
      ...(body === '' ? {} : { body, contentType }),
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text)
  }
}

export const startFront = async (kubeconfig: string, size: ClusterSize): Promise<Front> => {
  const upstream = await createLeanKubeClient({ kubeconfig, requestTimeoutMs: 60_000 })
  return new FrontServer(upstream, size).listen()
}
