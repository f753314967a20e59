/**
 * A view of a store between which and its caller messages get lost, for stores that have no network
 * of their own to lose them. Without a loss it changes nothing.
 */
import {
  type CommitFailure,
  type Datastore,
  datastoreError,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { left } from 'fp-ts/lib/Either.js'

/** A client whose next commit meets a loss. */
export interface LossyClient {
  readonly store: Datastore
  /** The next commit is carried out, and its answer does not arrive. */
  loseNextReply(): void
  /** The next commit does not arrive. */
  loseNextRequest(): void
}

const unknown = (writes: ReadonlyArray<Write>): CommitFailure => {
  const message = `no answer came to a commit of ${writes.length} writes; it may have been applied`
  return { error: datastoreError('OutcomeUnknown', message), applied: [], current: [] }
}

export const lossyClient = (inner: Datastore): LossyClient => {
  let next: 'reply' | 'request' | undefined
  return {
    store: {
      ...inner,
      commit: (writes, options) => async () => {
        const lost = next
        next = undefined
        if (lost === undefined) return inner.commit(writes, options)()
        if (lost === 'reply') await inner.commit(writes, options)()
        return left(unknown(writes))
      },
    },
    loseNextReply: () => {
      next = 'reply'
    },
    loseNextRequest: () => {
      next = 'request'
    },
  }
}
