/** Conversations with a scripted kernel: what it answers in which order, and what we make of it. */
import { describe, expect, test } from 'vitest'
import type { NetworkLibc } from '../../../src/dataplane/linux/libc.ts'
import { deleteLink, getLinkByName } from '../../../src/dataplane/linux/netlink/link.ts'
import { listRoutes } from '../../../src/dataplane/linux/netlink/route.ts'
import {
  expectDone,
  NetlinkError,
  openNetlink,
} from '../../../src/dataplane/linux/netlink/socket.ts'
import { hex, toHex } from './hex.ts'

const word = (value: number): string => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value, true)
  return toHex(bytes)
}

interface Answer {
  readonly type: number
  readonly flags?: number
  readonly sequence: number
  readonly payload?: string
}

const datagram = (...answers: ReadonlyArray<Answer>): Uint8Array =>
  hex(
    answers
      .map(({ type, flags = 0, sequence, payload = '' }) => {
        const length = 16 + payload.replaceAll(' ', '').length / 2
        const head = word((flags << 16) | type)
        return `${word(length)} ${head} ${word(sequence)} 00000000 ${payload}`
      })
      .join(''),
  )

const done = (sequence: number, errno = 0): Answer => ({
  type: 2,
  flags: 0x100,
  sequence,
  payload: word(-errno),
})
const endOfList = (sequence: number, errno = 0): Answer => ({
  type: 3,
  flags: 2,
  sequence,
  payload: word(-errno),
})
const route = (sequence: number, last: number, flags = 2): Answer => ({
  type: 24,
  flags,
  sequence,
  payload: `02200000 fe03fd01 00000000 08000100 0a0000${last.toString(16).padStart(2, '0')}`,
})

/** A kernel that sends the given datagrams one after the other, always from one buffer. */
const scripted = (...datagrams: ReadonlyArray<Uint8Array>) => {
  const sent: string[] = []
  const buffer = new Uint8Array(4096)
  let at = 0
  const libc: NetworkLibc = {
    netlinkSocket: () => 1,
    send: (_, data) => {
      sent.push(toHex(data))
    },
    receive: () => {
      const next = datagrams[at]
      if (next === undefined) throw new Error('the script is over')
      at += 1
      buffer.fill(0xff)
      buffer.set(next)
      return buffer.subarray(0, next.length)
    },
    enterNetworkNamespace: () => undefined,
  }
  return { socket: openNetlink(libc, 1000), sent, left: () => datagrams.length - at }
}

const threeDeletions = [deleteLink(1), deleteLink(2), deleteLink(3)]

describe('perform', () => {
  test.each([
    ['all in one datagram', [datagram(done(1), done(2, 19), done(3))]],
    ['one each', [datagram(done(1)), datagram(done(2, 19)), datagram(done(3))]],
    [
      'with leftovers of earlier talks',
      [datagram(done(99, 1)), datagram(done(1), done(2, 19), done(3))],
    ],
  ])('answers in order, sent at once: %s', (_, datagrams) => {
    const { socket, sent, left } = scripted(...datagrams)
    expect(socket.perform(threeDeletions).map((answer) => answer.errno)).toEqual([0, 19, 0])
    expect(sent).toHaveLength(1)
    expect(left()).toBe(0)
  })

  test('nothing to do is not sent', () => {
    const { socket, sent } = scripted()
    expect(socket.perform([])).toEqual([])
    expect(sent).toEqual([])
  })

  test('sequence numbers go on', () => {
    const { socket } = scripted(datagram(done(1)), datagram(done(2, 17)))
    expectDone(socket.perform([deleteLink(1)]))
    expect(() => expectDone(socket.perform([deleteLink(1)]))).toThrow('it exists already (EEXIST)')
  })

  test('the explanation of the kernel is in the error', () => {
    const explained = { errno: 22, explanation: 'Invalid MTU' }
    expect(() => expectDone([explained])).toThrow('invalid argument (EINVAL): Invalid MTU')
  })

  test('a kernel that does not answer is an error', () => {
    expect(() => scripted().socket.perform([deleteLink(1)])).toThrow('the script is over')
  })

  test('a kernel that lost messages is an error', () => {
    const { socket } = scripted(datagram({ type: 4, sequence: 1 }))
    expect(() => socket.perform([deleteLink(1)])).toThrow(/overrun/)
  })
})

describe('get', () => {
  test('one object', () => {
    const { socket } = scripted(datagram({ type: 16, sequence: 1, payload: '00000000' }))
    expect(socket.get(getLinkByName('x'))).toMatchObject({ type: 16, payload: hex('00000000') })
  })

  test('a refusal keeps its number', () => {
    const { socket } = scripted(datagram(done(1, 19)))
    expect(() => socket.get(getLinkByName('x'))).toThrow(NetlinkError)
  })
})

describe('list', () => {
  const lastBytes = (messages: ReadonlyArray<{ payload: Uint8Array }>) =>
    messages.map((message) => message.payload.at(-1))

  test('over several datagrams, although they share a buffer', () => {
    const { socket } = scripted(
      datagram(route(1, 1), route(1, 2)),
      datagram(route(1, 3), endOfList(1)),
    )
    expect(lastBytes(socket.list(listRoutes(2)))).toEqual([1, 2, 3])
  })

  test('is read again when it changed meanwhile', () => {
    const { socket, sent } = scripted(
      datagram(route(1, 1), route(1, 9, 0x12), endOfList(1)),
      datagram(route(2, 1), endOfList(2)),
    )
    expect(lastBytes(socket.list(listRoutes(2)))).toEqual([1])
    expect(sent).toHaveLength(2)
  })

  test('that never settles is an error', () => {
    const torn = Array.from({ length: 20 }, (_, at) =>
      datagram(route(at + 1, 9, 0x12), endOfList(at + 1)),
    )
    expect(() => scripted(...torn).socket.list(listRoutes(2))).toThrow(/changed faster/)
  })

  test.each([
    ['a table that does not exist is empty', [endOfList(1, 2)]],
    ['also when it is refused outright', [done(1, 2)]],
  ])('%s', (_, answers) => {
    expect(scripted(datagram(...answers)).socket.list(listRoutes(2))).toEqual([])
  })

  test.each([
    ['at its end', [route(1, 1), endOfList(1, 1)]],
    ['at once', [done(1, 1)]],
  ])('a refusal %s is an error', (_, answers) => {
    expect(() => scripted(datagram(...answers)).socket.list(listRoutes(2))).toThrow(/EPERM/)
  })
})
