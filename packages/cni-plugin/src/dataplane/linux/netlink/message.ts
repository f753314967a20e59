/**
 * Netlink messages: a header (length, type, flags, sequence number, port), then a fixed structure
 * and attributes. One send may carry many messages, one receive as well.
 */
import { concat, parseAttributes, readText, viewOf } from './attribute.ts'
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  NLMSGERR_ATTR_MSG,
} from './constants.ts'

/** A request before it has a sequence number. */
export interface NetlinkRequest {
  readonly type: number
  /** NLM_F_REQUEST is added. */
  readonly flags: number
  /** Structure and attributes. */
  readonly payload: Uint8Array
}

export interface NetlinkMessage {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Uint8Array
}

export interface Acknowledgement {
  /** 0: done. */
  readonly errno: number
  /** The kernel's own explanation, when it has one. */
  readonly explanation: string | undefined
}

const headerBytes = 16
const alignedTo4 = (length: number): number => (length + 3) & ~3

export const encodeRequest = (request: NetlinkRequest, sequence: number): Uint8Array => {
  const length = headerBytes + request.payload.length
  const whole = new Uint8Array(alignedTo4(length))
  const view = viewOf(whole)
  view.setUint32(0, length, true)
  view.setUint16(4, request.type, true)
  view.setUint16(6, request.flags | NLM_F_REQUEST, true)
  view.setUint32(8, sequence, true)
  // The port stays 0: the kernel is the only one we talk to.
  whole.set(request.payload, headerBytes)
  return whole
}

/** Several requests with consecutive sequence numbers, for one send. */
export const encodeBatch = (
  requests: ReadonlyArray<NetlinkRequest>,
  firstSequence: number,
): Uint8Array =>
  concat(requests.map((request, index) => encodeRequest(request, firstSequence + index)))

/** The messages of one receive. Throws on a torn one. */
export const parseMessages = (data: Uint8Array): ReadonlyArray<NetlinkMessage> => {
  const messages: NetlinkMessage[] = []
  const view = viewOf(data)
  let at = 0
  while (at + headerBytes <= data.length) {
    const length = view.getUint32(at, true)
    if (length < headerBytes || at + length > data.length) {
      throw new Error(`netlink message of ${length} bytes at ${at} does not fit ${data.length}`)
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: data.subarray(at + headerBytes, at + length),
    })
    at += alignedTo4(length)
  }
  return messages
}

/** Where the explaining attributes of an acknowledgement start. */
const explanationOffset = (message: NetlinkMessage): number => {
  const echoed = viewOf(message.payload).getUint32(4, true)
  const echoedPayload = (message.flags & NLM_F_CAPPED) !== 0 ? 0 : echoed - headerBytes
  return 4 + headerBytes + alignedTo4(Math.max(0, echoedPayload))
}

/**
 * Reads an NLMSG_ERROR, which also says success (errno 0). The end of a list (NLMSG_DONE) carries
 * its error number the same way, negative and first.
 */
export const parseAcknowledgement = (message: NetlinkMessage): Acknowledgement => {
  const { payload } = message
  const errno = payload.length < 4 ? 0 : Math.abs(viewOf(payload).getInt32(0, true))
  if (message.type !== NLMSG_ERROR || (message.flags & NLM_F_ACK_TLVS) === 0) {
    return { errno, explanation: undefined }
  }
  const attributes = parseAttributes(payload.subarray(explanationOffset(message)))
  return { errno, explanation: readText(attributes.get(NLMSGERR_ATTR_MSG)) }
}
