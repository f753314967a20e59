/**
 * Protocol buffers, as far as etcd's messages need them: variable-length integers, length-delimited
 * fields, and skipping what is not known. Source: protobuf.dev/programming-guides/encoding. Written
 * out here because a protobuf library costs a one-shot process more than its whole work.
 */

const utf8 = new TextEncoder()
const fromUTF8 = new TextDecoder()

/** A growing message; fields are appended in any order. */
export class MessageWriter {
  #bytes = new Uint8Array(256)
  #length = 0

  /** Field of type int64, uint64, bool or enum; 0 is the default and left out. */
  integer(field: number, value: bigint | number): this {
    if (BigInt(value) === 0n) return this
    this.#varint(BigInt(field << 3))
    this.#varint(BigInt.asUintN(64, BigInt(value)))
    return this
  }

  /** As `integer`, but written when it is 0 too: members of a oneof are. */
  statedInteger(field: number, value: bigint): this {
    this.#varint(BigInt(field << 3))
    this.#varint(BigInt.asUintN(64, value))
    return this
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value))
  }

  message(field: number, value: MessageWriter): this {
    return this.bytes(field, value.finish())
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(BigInt((field << 3) | 2))
    this.#varint(BigInt(value.length))
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
    return this
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }

  #varint(value: bigint): void {
    this.#reserve(10)
    let rest = value
    while (rest > 127n) {
      this.#bytes[this.#length] = Number(rest & 127n) | 128
      this.#length += 1
      rest >>= 7n
    }
    this.#bytes[this.#length] = Number(rest)
    this.#length += 1
  }
}

/** One field of a message as it stands on the wire. */
export interface Field {
  readonly number: number
  /** Of an integer field, unsigned. */
  readonly integer: bigint
  /** Of a length-delimited field. */
  readonly bytes: Uint8Array
}

const noBytes = new Uint8Array(0)
const varintBytesMax = 10

const malformed = (): Error => new Error('the message is not valid protobuf')

/** The fields of a message, in order. Throws when the bytes are no message. */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let i = 0; i < varintBytesMax; i += 1) {
      const byte = bytes[at]
      if (byte === undefined) throw malformed()
      at += 1
      value |= BigInt(byte & 127) << BigInt(7 * i)
      if (byte < 128) return value
    }
    throw malformed()
  }
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw malformed()
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const number = tag >> 3
    if ((tag & 7) === 0) yield { number, integer: varint(), bytes: noBytes }
    else if ((tag & 7) === 2) {
      yield { number, integer: 0n, bytes: take(Number(varint())) }
    } else if ((tag & 7) === 1) take(8)
    else if ((tag & 7) === 5) take(4)
    else throw malformed()
  }
}

export const textOf = (field: Field): string => fromUTF8.decode(field.bytes)

/** An int64 field. */
export const signed = (field: Field): bigint => BigInt.asIntN(64, field.integer)
