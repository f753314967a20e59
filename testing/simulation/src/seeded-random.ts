/**
 * Every choice of a simulation comes from here, so that one number replays a whole run. There is no
 * single stream of numbers: each event, attempt and request has its own, named by its place. So one
 * of them can be left out, and all others still draw what they drew before: runs can be shrunk.
 */
import type { Random } from '@hc-calico/ipam-core/ports'

const mixed = (word: number): number => {
  let next = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  next = Math.imul(next ^ (next >>> 13), 0xc2b2ae35)
  return (next ^ (next >>> 16)) >>> 0
}

/** The seed of what stands at this place below `seed`. */
export const seedOf = (seed: number, place: number): number =>
  mixed((Math.imul(seed, 0x9e3779b1) + Math.imul(place + 1, 0x6d2b79f5)) >>> 0)

export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform in [0, 1): mulberry32, one 32-bit word of state. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let word = this.#state
    word = Math.imul(word ^ (word >>> 15), word | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296
  }

  /** An integer from 0 up to, not including, `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(choices: ReadonlyArray<A>): A {
    return choices[this.below(choices.length)] as A
  }
}
