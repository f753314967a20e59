/**
 * SHA-1 (FIPS 180-4) of a short text. Calico names host interfaces after it; nothing here is a
 * secret. Our own, because loading the runtime's crypto module costs every call 2 ms.
 */
const blockBytes = 64
const initial = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/** The message, a one bit, zeros, and the length in bits as a 64-bit number. */
const padded = (message: Uint8Array): DataView => {
  const length = Math.ceil((message.length + 9) / blockBytes) * blockBytes
  const whole = new Uint8Array(length)
  whole.set(message)
  whole[message.length] = 0x80
  const view = new DataView(whole.buffer)
  view.setUint32(length - 4, message.length * 8)
  return view
}

const schedule = (view: DataView, offset: number): Int32Array => {
  const words = new Int32Array(80)
  for (let t = 0; t < 16; t += 1) words[t] = view.getInt32(offset + t * 4)
  for (let t = 16; t < 80; t += 1) {
    const mixed = at(words, t - 3) ^ at(words, t - 8) ^ at(words, t - 14) ^ at(words, t - 16)
    words[t] = rotate(mixed, 1)
  }
  return words
}

const at = (words: Int32Array, index: number): number => words[index] ?? 0

/** The function and the constant of a round of twenty steps. */
const mix = (t: number, b: number, c: number, d: number): number => {
  if (t < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (t < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}

const compress = (state: Int32Array, words: Int32Array): void => {
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
  for (let t = 0; t < 80; t += 1) {
    const next = (rotate(a, 5) + mix(t, b, c, d) + e + at(words, t)) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  for (const [index, value] of [a, b, c, d, e].entries()) state[index] = at(state, index) + value
}

/** Lower-case hexadecimal, 40 digits. */
export const sha1Hex = (text: string): string => {
  const view = padded(new TextEncoder().encode(text))
  const state = Int32Array.from(initial)
  for (let offset = 0; offset < view.byteLength; offset += blockBytes) {
    compress(state, schedule(view, offset))
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}
