/** Events that arrive by callback, read by `for await`. One reader. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = []
  #wake: (() => void) | undefined
  #isOver = false
  #failure: unknown

  push(event: T): void {
    if (this.#isOver) return
    this.#waiting.push(event)
    this.#wake?.()
  }

  /** What has been pushed is still read; then the reader's loop ends. */
  end(): void {
    this.#isOver = true
    this.#wake?.()
  }

  /** As `end`, but the reader's loop throws. */
  fail(failure: unknown): void {
    if (this.#isOver) return
    this.#failure = failure
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift() as T
      if (this.#failure !== undefined) throw this.#failure
      if (this.#isOver) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }
}
