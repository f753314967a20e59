/** gRPC's framing of messages in a body: a flag (0: not compressed), a 32-bit length, the bytes. */

const prefixBytes = 5

export const frame = (message: Uint8Array): Uint8Array => {
  const framed = new Uint8Array(prefixBytes + message.length)
  new DataView(framed.buffer).setUint32(1, message.length)
  framed.set(message, prefixBytes)
  return framed
}

/** Puts chunks of a body together into messages. */
export class FrameReader {
  /** Complete messages, oldest first; whoever takes them removes them. */
  readonly frames: Uint8Array[] = []
  #chunks: Uint8Array[] = []
  #bytes = 0

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (let length = this.#nextLength(); length !== undefined; length = this.#nextLength()) {
      const all = this.#joined()
      const end = prefixBytes + length
      this.frames.push(all.slice(prefixBytes, end))
      this.#chunks = [all.subarray(end)]
      this.#bytes = all.length - end
    }
  }

  /** The length of the next message if it is complete. */
  #nextLength(): number | undefined {
    if (this.#bytes < prefixBytes) return undefined
    const first = this.#chunks[0] as Uint8Array
    const head = first.length >= prefixBytes ? first : this.#joined()
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1)
    return this.#bytes >= prefixBytes + length ? length : undefined
  }

  #joined(): Uint8Array {
    const [only, ...more] = this.#chunks
    if (only !== undefined && more.length === 0) return only
    const all = new Uint8Array(this.#bytes)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    this.#chunks = [all]
    return all
  }
}
