/** The latest of what happened: a ring, because a run is long; put into words only when it failed. */
import { keyText, type Write } from '@hc-calico/ipam-core/ports'

interface Entry {
  readonly atMs: number
  readonly who: string
  readonly what: string | ReadonlyArray<Write>
}

const entriesMax = 4096

const wordsOf = ({ atMs, who, what }: Entry): string => {
  const words =
    typeof what === 'string' ? what : what.map(({ op, key }) => `${op} ${keyText(key)}`).join(', ')
  return `${(atMs / 1000).toFixed(3)}s ${who}: ${words}`
}

export class Trace {
  readonly #ring: Entry[] = []
  #count = 0

  add(atMs: number, who: string, what: Entry['what']): void {
    this.#ring[this.#count % entriesMax] = { atMs, who, what }
    this.#count += 1
  }

  get lines(): ReadonlyArray<string> {
    const start = this.#count % entriesMax
    const entries =
      this.#count <= entriesMax
        ? this.#ring
        : [...this.#ring.slice(start), ...this.#ring.slice(0, start)]
    return entries.map(wordsOf)
  }
}
