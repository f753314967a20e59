/**
 * The records of fixed addresses at the API server: what people read, and where they write what they
 * wish for. Nothing here decides over an address.
 */

export type Family = 4 | 6

export class FixedRecords {
  readonly #entries = new Map<string, string>()

  /** What the record says of a pod's family. */
  get(pod: string, family: Family): string | undefined {
    return this.#entries.get(`${pod} ${family}`)
  }

  set(pod: string, family: Family, ip: string | undefined): void {
    const key = `${pod} ${family}`
    if (ip === undefined) this.#entries.delete(key)
    else this.#entries.set(key, ip)
  }
}
