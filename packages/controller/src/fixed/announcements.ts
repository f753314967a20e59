/**
 * What has been said, so that the same is not said at every run. A subject falls silent when there
 * is nothing more to say about it, and may be spoken of again later.
 */
import type { EventRecorder, EventWish } from '../events.ts'

export class Announcements {
  readonly #events: EventRecorder
  readonly #said = new Map<string, string>()

  constructor(events: EventRecorder) {
    this.#events = events
  }

  /** Records the Event, unless the last one under this key said the same. */
  say(key: string, wish: EventWish): void {
    const text = `${wish.reason} ${wish.message}`
    if (this.#said.get(key) === text) return
    this.#said.set(key, text)
    this.#events.record(wish)
  }

  forget(key: string): void {
    this.#said.delete(key)
  }

  /** Forgets whatever is not among these: it is gone. */
  keepOnly(isThere: (key: string) => boolean): void {
    for (const key of [...this.#said.keys()]) if (!isThere(key)) this.#said.delete(key)
  }
}
