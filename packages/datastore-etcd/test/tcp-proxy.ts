/**
 * A TCP proxy that loses things: replies (the request gets through, its answer does not) or
 * everything. The client sees a connection that breaks, as when a switch or a server dies.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TCPProxy {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string
  /** The next request is passed on; a moment later both sides of its connection are cut. */
  loseNextReply(): void
  /** The next request is not passed on, and its connection is cut. */
  loseNextRequest(): void
  /** Cuts every connection and refuses new ones until `restore`. */
  cut(): void
  restore(): void
  close(): Promise<void>
}

/** HTTP/2 sends small frames of its own (settings, windows, pings), which are no request. */
const ackBytesMax = 40

/** Long enough for the server to have carried the request out. */
const graceMs = 150

export const startTCPProxy = async (target: string): Promise<TCPProxy> => {
  const { hostname, port } = new URL(target)
  const pairs = new Set<readonly [Socket, Socket]>()
  let losing: 'reply' | 'request' | undefined
  let isCut = false

  const server = createServer((client) => {
    if (isCut) return void client.destroy()
    const upstream = connect(Number(port), hostname)
    const pair = [client, upstream] as const
    pairs.add(pair)
    let isMute = false
    const end = (): void => {
      pairs.delete(pair)
      for (const socket of pair) socket.destroy()
    }
    client.on('data', (chunk) => {
      const lost = chunk.length > ackBytesMax ? losing : undefined
      if (lost === undefined) return void upstream.write(chunk)
      losing = undefined
      isMute = true
      if (lost === 'request') return end()
      upstream.write(chunk)
      setTimeout(end, graceMs)
    })
    upstream.on('data', (chunk) => {
      if (!isMute) client.write(chunk)
    })
    for (const socket of pair) {
      socket.on('error', end)
      socket.on('close', end)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    pairs.clear()
  }
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseNextReply: () => {
      losing = 'reply'
    },
    loseNextRequest: () => {
      losing = 'request'
    },
    cut: () => {
      isCut = true
      cutAll()
    },
    restore: () => {
      isCut = false
    },
    close: () => {
      cutAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
