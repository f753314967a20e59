/**
 * Netlink attributes: a length, a type, a payload, padded to four bytes. Integers are in the
 * machine's byte order, which is little-endian on everything the executables are built for
 * (x86-64, arm64); addresses are plain bytes in network order.
 */
import { NLA_F_NESTED, NLA_TYPE_MASK } from './constants.ts'

export interface Attribute {
  /** Flags included when it is to be written, cut off when it was read. */
  readonly type: number
  readonly payload: Uint8Array
}

const headerBytes = 4

export const aligned = (length: number): number => (length + 3) & ~3

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const u8 = (type: number, value: number): Attribute => ({
  type,
  payload: Uint8Array.of(value),
})

export const u32 = (type: number, value: number): Attribute => {
  const payload = new Uint8Array(4)
  new DataView(payload.buffer).setUint32(0, value, true)
  return { type, payload }
}

/** A text with its terminating zero. */
export const text = (type: number, value: string): Attribute => ({
  type,
  payload: encoder.encode(`${value}\0`),
})

export const bytes = (type: number, payload: Uint8Array): Attribute => ({ type, payload })

/** Attributes inside an attribute; `prefix` is a fixed structure in front of them (veth's peer). */
export const nested = (
  type: number,
  attributes: ReadonlyArray<Attribute>,
  prefix: Uint8Array = new Uint8Array(0),
): Attribute => ({
  type: type | NLA_F_NESTED,
  payload: concat([prefix, encodeAttributes(attributes)]),
})

export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const encodeAttribute = (attribute: Attribute): Uint8Array => {
  const length = headerBytes + attribute.payload.length
  const whole = new Uint8Array(aligned(length))
  const view = new DataView(whole.buffer)
  view.setUint16(0, length, true)
  view.setUint16(2, attribute.type, true)
  whole.set(attribute.payload, headerBytes)
  return whole
}

export const encodeAttributes = (attributes: ReadonlyArray<Attribute>): Uint8Array =>
  concat(attributes.map(encodeAttribute))

/** Attributes by type; the kernel never repeats one where we read. Throws on a torn list. */
export const parseAttributes = (data: Uint8Array): ReadonlyMap<number, Uint8Array> => {
  const found = new Map<number, Uint8Array>()
  const view = viewOf(data)
  let at = 0
  while (at + headerBytes <= data.length) {
    const length = view.getUint16(at, true)
    if (length < headerBytes || at + length > data.length) {
      throw new Error(`netlink attribute of ${length} bytes at ${at} does not fit ${data.length}`)
    }
    const type = view.getUint16(at + 2, true) & NLA_TYPE_MASK
    found.set(type, data.subarray(at + headerBytes, at + length))
    at += aligned(length)
  }
  return found
}

export const viewOf = (data: Uint8Array): DataView =>
  new DataView(data.buffer, data.byteOffset, data.byteLength)

export const readU32 = (payload: Uint8Array | undefined): number | undefined =>
  payload === undefined || payload.length < 4 ? undefined : viewOf(payload).getUint32(0, true)

export const readText = (payload: Uint8Array | undefined): string | undefined => {
  if (payload === undefined) return undefined
  const end = payload.indexOf(0)
  return decoder.decode(end < 0 ? payload : payload.subarray(0, end))
}
