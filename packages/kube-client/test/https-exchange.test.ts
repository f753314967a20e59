/** Whether a request that failed may have been carried out: what a caller of a write has to know. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Exchange } from '../src/exchange.ts'
import { createHTTPSExchange } from '../src/https-exchange.ts'
import { KubeUnreachable } from '../src/kube-client.ts'

let exchange: Exchange | undefined
let server: Server | undefined

afterEach(() => {
  exchange?.close()
  server?.closeAllConnections()
  server?.close()
})

const listening = async (onRequest: (path: string, answer: ServerResponse) => void) => {
  const started = createServer((request, response) => onRequest(request.url ?? '', response))
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  server = started
  const { port } = started.address() as AddressInfo
  const made = createHTTPSExchange({})
  exchange = made
  return (path: string) =>
    made.send({
      method: 'POST',
      url: `http://127.0.0.1:${port}${path}`,
      headers: {},
      body: '{}',
      timeoutMs: 10_000,
    })
}

const failureOf = (sending: Promise<unknown>): Promise<KubeUnreachable> =>
  sending.then(
    () => expect.fail('the request was answered'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(KubeUnreachable)
      return error as KubeUnreachable
    },
  )

const connectionsMax = 64

test('a request that waited for a connection and whose answer is lost may have been carried out', async () => {
  const open: ServerResponse[] = []
  const send = await listening((path, answer) => {
    if (path === '/waited') answer.socket?.destroy()
    else open.push(answer)
    if (open.length === connectionsMax) open[0]?.end('{}')
  })
  const held = Array.from({ length: connectionsMax }, () => send('/held').catch(() => undefined))
  expect((await failureOf(send('/waited'))).maybeApplied).toBe(true)
  for (const answer of open) answer.end('{}')
  await Promise.all(held)
})

test('so may one on a fresh connection, or on a kept one', async () => {
  const send = await listening((path, answer) => {
    if (path === '/lost') answer.socket?.destroy()
    else answer.end('{}')
  })
  expect((await failureOf(send('/lost'))).maybeApplied).toBe(true)
  await send('/answered')
  expect((await failureOf(send('/lost'))).maybeApplied).toBe(true)
})

test('one that found nobody listening was not', async () => {
  const send = await listening(() => undefined)
  await new Promise((resolve) => server?.close(resolve))
  expect((await failureOf(send('/nobody'))).maybeApplied).toBe(false)
})
