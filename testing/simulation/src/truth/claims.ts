/**
 * Who may count on which address: the truth that no allocator can read. A container does from the
 * answer to its ADD to the beginning of its DEL; an identity from its first ADD on, and while a
 * container holds its addresses, that container does too.
 */

export interface Claim {
  /** Handle under which the allocation must stand. */
  readonly handle: string
  /** Of a fixed address: the container that must be named as its holder, while there is one. */
  readonly holder?: string
  /** What it becomes by something that is under way. */
  readonly or?: Claim
}

export class Claims {
  readonly #byAddress = new Map<string, Claim>()

  get(address: string): Claim | undefined {
    return this.#byAddress.get(address)
  }

  set(address: string, claim: Claim): void {
    this.#byAddress.set(address, claim)
  }

  /** A container's claim ends; somebody else's does not. */
  end(address: string, handle: string): void {
    if (this.#byAddress.get(address)?.handle === handle) this.#byAddress.delete(address)
  }

  /** The holder of an identity's address lets go of it; the identity does not. */
  letGo(address: string, { handle, holder }: Required<Pick<Claim, 'handle' | 'holder'>>): void {
    const found = this.#byAddress.get(address)
    if (found?.handle === handle && found.holder === holder) this.set(address, { handle })
  }

  get all(): ReadonlyMap<string, Claim> {
    return this.#byAddress
  }
}
