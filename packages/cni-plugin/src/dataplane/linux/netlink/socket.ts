/**
 * Conversations with the kernel over one netlink socket. The kernel answers within the send, so
 * everything here is synchronous, and every loop is bounded.
 */
import { closeSync } from 'node:fs'
import { type NetworkLibc, SyscallError } from '../libc.ts'
import {
  ENOENT,
  NLM_F_ACK,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_OVERRUN,
} from './constants.ts'
import { describeErrno } from './errno.ts'
import {
  type Acknowledgement,
  encodeBatch,
  type NetlinkMessage,
  type NetlinkRequest,
  parseAcknowledgement,
  parseMessages,
} from './message.ts'

/** A request the kernel refused. */
export class NetlinkError extends Error {
  readonly errno: number
  constructor(answer: Acknowledgement) {
    const why = answer.explanation === undefined ? '' : `: ${answer.explanation}`
    super(`${describeErrno(answer.errno)}${why}`)
    this.name = 'NetlinkError'
    this.errno = answer.errno
  }
}

export interface NetlinkSocket {
  /** Sends all at once; one answer each, in order. The kernel goes on after one that fails. */
  perform(requests: ReadonlyArray<NetlinkRequest>): ReadonlyArray<Acknowledgement>
  /** One object, or the kernel's refusal as NetlinkError. */
  get(request: NetlinkRequest): NetlinkMessage
  /** A list. A table that does not exist is an empty list. */
  list(request: NetlinkRequest): ReadonlyArray<NetlinkMessage>
  close(): void
}

const datagramsMax = 100_000
const interruptedListsMax = 10

/** Throws the first refusal. */
export const expectDone = (answers: ReadonlyArray<Acknowledgement>): void => {
  const failed = answers.find((answer) => answer.errno !== 0)
  if (failed !== undefined) throw new NetlinkError(failed)
}

class Conversation implements NetlinkSocket {
  readonly #libc: NetworkLibc
  readonly #fd: number
  #sequence = 0

  constructor(libc: NetworkLibc, fd: number) {
    this.#libc = libc
    this.#fd = fd
  }

  perform(requests: ReadonlyArray<NetlinkRequest>): ReadonlyArray<Acknowledgement> {
    const acknowledged = requests.map((request) => ({
      ...request,
      flags: request.flags | NLM_F_ACK,
    }))
    const first = this.#send(acknowledged)
    const answers = new Map<number, Acknowledgement>()
    this.#receive((message) => {
      const index = message.sequence - first
      if (index < 0 || index >= requests.length || message.type !== NLMSG_ERROR) return false
      answers.set(index, parseAcknowledgement(message))
      return answers.size === requests.length
    }, requests.length === 0)
    return requests.map((_, index) => answers.get(index) ?? { errno: 0, explanation: undefined })
  }

  get(request: NetlinkRequest): NetlinkMessage {
    const sequence = this.#send([request])
    let found: NetlinkMessage | undefined
    this.#receive((message) => {
      if (message.sequence !== sequence) return false
      if (message.type === NLMSG_ERROR) throw new NetlinkError(parseAcknowledgement(message))
      found = copyOf(message)
      return true
    })
    if (found === undefined) throw new Error('the kernel answered without the object')
    return found
  }

  list(request: NetlinkRequest): ReadonlyArray<NetlinkMessage> {
    for (let attempt = 0; attempt < interruptedListsMax; attempt += 1) {
      const { messages, isTorn } = this.#listOnce(request)
      if (!isTorn) return messages
    }
    throw new Error('a list changed faster than the kernel could give it')
  }

  close(): void {
    closeSync(this.#fd)
  }

  #listOnce(request: NetlinkRequest) {
    const sequence = this.#send([request])
    const messages: NetlinkMessage[] = []
    let isTorn = false
    this.#receive((message) => {
      if (message.sequence !== sequence) return false
      isTorn ||= (message.flags & NLM_F_DUMP_INTR) !== 0
      if (message.type !== NLMSG_DONE && message.type !== NLMSG_ERROR) {
        messages.push(copyOf(message))
        return false
      }
      const answer = parseAcknowledgement(message)
      if (answer.errno !== 0 && answer.errno !== ENOENT) throw new NetlinkError(answer)
      return true
    })
    return { messages, isTorn }
  }

  #send(requests: ReadonlyArray<NetlinkRequest>): number {
    const first = this.#sequence + 1
    this.#sequence += requests.length
    if (requests.length > 0) this.#libc.send(this.#fd, encodeBatch(requests, first))
    return first
  }

  /** Feeds messages to `isLast` until it says so. */
  #receive(isLast: (message: NetlinkMessage) => boolean, nothingToCome = false): void {
    if (nothingToCome) return
    for (let datagram = 0; datagram < datagramsMax; datagram += 1) {
      for (const message of parseMessages(this.#libc.receive(this.#fd))) {
        if (message.type === NLMSG_OVERRUN) throw new SyscallError('netlink overrun', 105)
        if (isLast(message)) return
      }
    }
    throw new Error('the kernel sends without end')
  }
}

/** The receive buffer is used again for the next datagram. */
const copyOf = (message: NetlinkMessage): NetlinkMessage => ({
  ...message,
  payload: message.payload.slice(),
})

/** Opens a socket in the namespace the calling thread is in now. */
export const openNetlink = (libc: NetworkLibc, receiveTimeoutMs: number): NetlinkSocket =>
  new Conversation(libc, libc.netlinkSocket(receiveTimeoutMs))
