/**
 * What a thing has been over time. An operation is judged by everything that was true while it ran:
 * it may have read any of it.
 */
export class History<A> {
  readonly #versions: Array<{ readonly fromMs: number; readonly value: A }> = []

  constructor(first: A) {
    this.#versions.push({ fromMs: Number.NEGATIVE_INFINITY, value: first })
  }

  get now(): A {
    return (this.#versions.at(-1) as { value: A }).value
  }

  set(atMs: number, value: A): void {
    this.#versions.push({ fromMs: atMs, value })
  }

  /** Every value that held at some instant since. */
  since(ms: number): ReadonlyArray<A> {
    const values: A[] = []
    for (let i = this.#versions.length - 1; i >= 0; i -= 1) {
      const { fromMs, value } = this.#versions[i] as { fromMs: number; value: A }
      values.push(value)
      if (fromMs <= ms) break
    }
    return values
  }
}
