/** `/metrics`, `/healthz`, `/readyz`. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import type { Health } from './health.ts'

export interface HTTPEndpoint {
  readonly port: number
  close(): Promise<void>
}

export interface HTTPOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly health: Health
  readonly registry: Registry
  /** Called before metrics are shown. */
  readonly refresh: () => void
}

const say = (response: ServerResponse, faults: ReadonlyArray<string>): void => {
  response.writeHead(faults.length === 0 ? 200 : 503, { 'content-type': 'text/plain' })
  response.end(faults.length === 0 ? 'ok\n' : `${faults.join('\n')}\n`)
}

const showMetrics = async (
  response: ServerResponse,
  { registry, refresh }: HTTPOptions,
): Promise<void> => {
  refresh()
  const text = await registry.metrics()
  response.writeHead(200, { 'content-type': registry.contentType })
  response.end(text)
}

const listening = ({ host, port }: HTTPOptions, server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

/** Resolves when it listens. */
export const serveHTTP = async (options: HTTPOptions): Promise<HTTPEndpoint> => {
  const { health } = options
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405).end()
    } else if (path === '/healthz') say(response, health.live())
    else if (path === '/readyz') say(response, health.ready())
    else if (path === '/metrics') {
      showMetrics(response, options).catch((error: Error) => say(response, [error.message]))
    } else response.writeHead(404).end()
  })
  await listening(options, server)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
