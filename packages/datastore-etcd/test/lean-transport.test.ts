// The lean transport against a server that answers as told: what calls made together share.
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { frame } from '../src/grpc-frames.ts'
import { createLeanTransport } from '../src/lean-transport.ts'
import { checkedOptions, type EtcdOptions } from '../src/options.ts'
import type { EtcdTransport } from '../src/transport.ts'
import { MessageWriter } from '../src/wire.ts'

type Answer = (stream: ServerHttp2Stream) => void

interface Member {
  readonly endpoint: string
  /** Paths asked for, in order. */
  readonly asked: string[]
}

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** `answers` are taken in turn, the last one for ever. */
const startMember = async (answers: Readonly<Record<string, Answer[]>>): Promise<Member> => {
  const server: Http2Server = createServer()
  const asked: string[] = []
  server.on('session', (session) => closing.push(() => session.destroy()))
  server.on('stream', (stream, headers) => {
    const path = String(headers[':path']).split('/').at(-1) ?? ''
    asked.push(path)
    stream.on('error', () => undefined)
    const turns = answers[path] ?? []
    const answer = turns.length > 1 ? turns.shift() : turns[0]
    answer?.(stream as ServerHttp2Stream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const says =
  (status: number, message: string, body?: Uint8Array): Answer =>
  (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () =>
      stream.sendTrailers({ 'grpc-status': `${status}`, 'grpc-message': message }),
    )
    stream.end(body)
  }

const txnResponse = new MessageWriter()
  .message(1, new MessageWriter().integer(3, 7))
  .integer(2, 1)
  .finish()
const done = says(0, '', frame(txnResponse))
const after =
  (ms: number, answer: Answer): Answer =>
  (stream) => {
    setTimeout(() => {
      if (!stream.destroyed) answer(stream)
    }, ms)
  }
const never: Answer = () => undefined

const opened = (members: ReadonlyArray<Member>, options: EtcdOptions = {}): EtcdTransport => {
  const endpoints = members.map(({ endpoint }) => endpoint)
  const transport = createLeanTransport(checkedOptions({ endpoints, ...options }))
  closing.push(() => void transport.close())
  return transport
}

const write = (transport: EtcdTransport) =>
  transport.transact({ compare: [], success: [], failure: [] }, { isReadOnly: false })

test('a call that is given up leaves the others on its connection alone', async () => {
  const member = await startMember({ Txn: [never, after(200, done)] })
  const transport = opened([member], { attemptTimeoutMs: 300, callTimeoutMs: 300 })
  const slow = write(transport)
  await new Promise((resolve) => setTimeout(resolve, 200))
  const other = write(transport)
  await expect(slow).rejects.toThrow('did not answer within 300 ms')
  await expect(other).resolves.toMatchObject({ succeeded: true, revision: 7n })
})

test('calls that fail together do not come round to the same member', async () => {
  const order: number[] = []
  const lost = (member: number) => {
    const refuse = says(14, 'etcdserver: no leader')
    const counted: Answer = (stream) => {
      order.push(member)
      refuse(stream)
    }
    return startMember({ Txn: [counted] })
  }
  const transport = opened([await lost(0), await lost(1), await lost(2)], { callTimeoutMs: 1_000 })
  await Promise.allSettled([write(transport), write(transport), write(transport)])
  expect(order.slice(0, 9).toSorted(), 'first round').toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
})

test('calls that need a token share one sign-in, and one more when it is stale', async () => {
  const token = says(0, '', frame(new MessageWriter().text(2, 't').finish()))
  const stale = says(16, 'etcdserver: invalid auth token')
  const calls = 8
  const member = await startMember({
    Authenticate: [after(50, token)],
    Txn: [...Array.from({ length: calls }, () => stale), done],
  })
  const transport = opened([member], { username: 'u', password: 'p' })
  const results = await Promise.all(Array.from({ length: calls }, () => write(transport)))
  expect(results.every(({ succeeded }) => succeeded)).toBe(true)
  expect(member.asked.filter((path) => path === 'Authenticate')).toHaveLength(2)
})

test('a message that is not well escaped is taken as it stands', async () => {
  const member = await startMember({ Txn: [says(9, 'odd %ff %zz')] })
  await expect(write(opened([member]))).rejects.toThrow('odd %ff %zz')
})

test('an answer without a message does not pass for one', async () => {
  const member = await startMember({ Txn: [says(0, '')] })
  const error = await write(opened([member])).catch((cause: unknown) => cause)
  expect(error).toMatchObject({ applied: 'Maybe' })
})
