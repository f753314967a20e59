/** One deliberate bug. */
import type { Mode, Parts } from '../../src/index.ts'

export interface Mutant {
  readonly name: string
  /** Datastores on which it does harm that can be seen. */
  readonly modes: ReadonlyArray<Mode>
  readonly parts: Partial<Parts>
}
