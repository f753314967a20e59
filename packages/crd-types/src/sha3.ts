/**
 * SHA3-256 (FIPS 202) of a short text. Calico labels block affinities with it, and this package
 * runs without any runtime's own crypto, whose support for SHA-3 differs. Lanes are kept as 32-bit
 * halves: the hash is on the path of every ADD, where 64-bit bigint arithmetic would be felt.
 */
const rateBytes = 136
const roundsTotal = 24

/** Round constants and rotations come from small recurrences; computing them beats listing them. */
const roundConstants: ReadonlyArray<readonly [low: number, high: number]> = (() => {
  const constants: Array<readonly [number, number]> = []
  let shift = 1
  for (let round = 0; round < roundsTotal; round++) {
    let low = 0
    let high = 0
    for (let bit = 0; bit < 7; bit++) {
      const position = (1 << bit) - 1
      if (shift & 1 && position < 32) low |= 1 << position
      if (shift & 1 && position >= 32) high |= 1 << (position - 32)
      shift = (shift << 1) ^ (shift & 0x80 ? 0x171 : 0)
    }
    constants.push([low, high])
  }
  return constants
})()

/** The walk of rho and pi: which lane comes next, and by how much what moves there is rotated. */
const walkLanes = new Int32Array(24)
const walkRotations = new Int32Array(24)
for (let step = 0, x = 1, y = 0; step < 24; step++) {
  const next = (2 * x + 3 * y) % 5
  x = y
  y = next
  walkLanes[step] = 2 * (x + 5 * y)
  walkRotations[step] = (((step + 1) * (step + 2)) / 2) % 64
}

/** Scratch words, reused: this runs once or twice in a short-lived process. */
const columns = new Int32Array(10)
const row = new Int32Array(10)

const at = (words: Int32Array, index: number): number => words[index] ?? 0

/** One half of a rotated lane; `other` is the half whose high bits move in. */
const rotate = (word: number, other: number, bits: number): number =>
  bits === 0 ? word : (word << bits) | (other >>> (32 - bits))

const theta = (state: Int32Array): void => {
  for (let i = 0; i < 10; i++) {
    const upper = at(state, i) ^ at(state, i + 10) ^ at(state, i + 20)
    columns[i] = upper ^ at(state, i + 30) ^ at(state, i + 40)
  }
  for (let x = 0; x < 10; x += 2) {
    const before = (x + 8) % 10
    const after = (x + 2) % 10
    const low = at(columns, after)
    const high = at(columns, after + 1)
    const mixedLow = at(columns, before) ^ rotate(low, high, 1)
    const mixedHigh = at(columns, before + 1) ^ rotate(high, low, 1)
    for (let word = x; word < 50; word += 10) {
      state[word] = at(state, word) ^ mixedLow
      state[word + 1] = at(state, word + 1) ^ mixedHigh
    }
  }
}

const rhoAndPi = (state: Int32Array): void => {
  let low = at(state, 2)
  let high = at(state, 3)
  for (let step = 0; step < 24; step++) {
    const lane = at(walkLanes, step)
    const rotation = at(walkRotations, step)
    const nextLow = at(state, lane)
    const nextHigh = at(state, lane + 1)
    const swap = rotation >= 32
    const first = swap ? high : low
    const second = swap ? low : high
    state[lane] = rotate(first, second, rotation & 31)
    state[lane + 1] = rotate(second, first, rotation & 31)
    low = nextLow
    high = nextHigh
  }
}

const chi = (state: Int32Array): void => {
  for (let start = 0; start < 50; start += 10) {
    for (let i = 0; i < 10; i++) row[i] = at(state, start + i)
    for (let i = 0; i < 10; i++) {
      state[start + i] = at(row, i) ^ (~at(row, (i + 2) % 10) & at(row, (i + 4) % 10))
    }
  }
}

const permute = (state: Int32Array): void => {
  for (const [low, high] of roundConstants) {
    theta(state)
    rhoAndPi(state)
    chi(state)
    state[0] = at(state, 0) ^ low
    state[1] = at(state, 1) ^ high
  }
}

const utf8 = (text: string): ReadonlyArray<number> => {
  const escaped = encodeURIComponent(text)
  const bytes: number[] = []
  for (let index = 0; index < escaped.length; index++) {
    if (escaped[index] === '%') {
      bytes.push(Number.parseInt(escaped.slice(index + 1, index + 3), 16))
      index += 2
    } else bytes.push(escaped.charCodeAt(index))
  }
  return bytes
}

/** The 32 bytes of SHA3-256 over the UTF-8 bytes of a text. */
export const sha3of256 = (text: string): Uint8Array => {
  const message = utf8(text)
  const padded = new Uint8Array((Math.floor(message.length / rateBytes) + 1) * rateBytes)
  padded.set(message)
  padded[message.length] = 0x06
  const last = padded.length - 1
  padded[last] = (padded[last] ?? 0) | 0x80
  const state = new Int32Array(50)
  const view = new DataView(padded.buffer)
  for (let start = 0; start < padded.length; start += rateBytes) {
    for (let word = 0; word < rateBytes / 4; word++) {
      state[word] = at(state, word) ^ view.getInt32(start + 4 * word, true)
    }
    permute(state)
  }
  const digest = new DataView(new ArrayBuffer(32))
  for (let word = 0; word < 8; word++) digest.setInt32(4 * word, at(state, word), true)
  return new Uint8Array(digest.buffer)
}
