/**
 * Everything an IPAM operation can fail with. A refusal is a normal answer of a decision ("strict
 * affinity forbids it"); a datastore error comes from below; `RetriesExhausted` means that others
 * kept moving the same objects. Texts follow Calico's (reference section 4), because people search
 * for them.
 */
import type { DatastoreError, DatastoreErrorTag } from './ports/datastore-errors.ts'

/** Why a decision said no. `message` is the sentence people see. */
export interface Refusal {
  readonly tag: RefusalTag
  readonly message: string
  /** Facts behind the refusal, for programs: plain data only. */
  readonly details?: Readonly<Record<string, unknown>>
}

export type RefusalTag =
  | 'InvalidRequest'
  | 'UseRequired'
  | 'NoQualifiedPool'
  | 'PoolNotUsable'
  | 'NoPoolForNode'
  | 'AddressNotInPool'
  | 'UseNotAllowed'
  | 'NodeMissing'
  | 'BlockLimit'
  | 'NoFreeBlocks'
  | 'AutoAllocateDisabled'
  | 'BlockNotEmpty'
  | 'BlockClaimedByOther'
  | 'StaleAffinity'
  | 'AffinityMismatch'
  | 'AddressInUse'
  | 'AddressNotAssigned'
  | 'AddressCoolingDown'
  | 'HandleMissing'
  | 'HandleMismatch'
  | 'SequenceNumberMismatch'
  | 'HandleLimit'
  | 'ConfigRejected'
  | 'OwnerMismatch'
  | 'NotFound'

export const refuse = (
  tag: RefusalTag,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): Refusal => (details === undefined ? { tag, message } : { tag, message, details })

export interface RetriesExhausted {
  readonly tag: 'RetriesExhausted'
  readonly message: string
  readonly attempts: number
  readonly last: DatastoreError
}

/** The caller's deadline or abort fired between two datastore calls. */
export interface Cancelled {
  readonly tag: 'Cancelled'
  readonly message: string
}

export type IPAMError =
  | { readonly family: 'refusal'; readonly operation: string; readonly refusal: Refusal }
  | { readonly family: 'datastore'; readonly operation: string; readonly error: DatastoreError }
  | { readonly family: 'exhausted'; readonly operation: string; readonly error: RetriesExhausted }
  | { readonly family: 'cancelled'; readonly operation: string; readonly error: Cancelled }

export type IPAMErrorTag = RefusalTag | DatastoreErrorTag | 'RetriesExhausted' | 'Cancelled'

export const tagOf = (error: IPAMError): IPAMErrorTag =>
  error.family === 'refusal' ? error.refusal.tag : error.error.tag

/** What the Promise API rejects with: `switch (failure.tag)` is exhaustive in TypeScript. */
export class IPAMFailure extends Error {
  readonly tag: IPAMErrorTag
  readonly family: IPAMError['family']
  readonly operation: string
  /** Whether the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>
  constructor(error: IPAMError) {
    const reason = error.family === 'refusal' ? error.refusal : error.error
    super(reason.message, { cause: 'cause' in reason ? reason.cause : undefined })
    this.name = 'IPAMFailure'
    this.tag = tagOf(error)
    this.family = error.family
    this.operation = error.operation
    this.retryable =
      error.family === 'exhausted' || (error.family === 'datastore' && error.error.retryable)
    this.details = error.family === 'refusal' ? (error.refusal.details ?? {}) : {}
  }
}
