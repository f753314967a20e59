/** The port on the Kubernetes API. */
import {
  type CallOptions,
  type CommitFailure,
  type Committed,
  type Datastore,
  datastoreError,
  type Revision,
  refusedWrite,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { API } from './api.ts'
import { capabilities } from './capabilities.ts'
import { toDatastoreError } from './errors.ts'
import { answer } from './read.ts'
import { watchKind } from './watch.ts'
import { performWrite, type WriteOutcome } from './write.ts'

const failureOf = (
  write: Write,
  outcome: Extract<WriteOutcome, { tag: 'Refused' }>,
  applied: ReadonlyArray<Revision | undefined>,
): CommitFailure => {
  const { key } = write
  const error = refusedWrite(write, outcome.because)
  return { error, applied, current: [{ key, found: outcome.found }] }
}

const cancelledBefore = (what: string) =>
  datastoreError('Unavailable', `the ${what} was cancelled before it began`)

/** In order, up to the first that fails. */
const commitAll = async (
  api: API,
  writes: ReadonlyArray<Write>,
  options: CallOptions,
): Promise<Either<CommitFailure, Committed>> => {
  const applied: (Revision | undefined)[] = []
  for (const write of writes) {
    if (options.cancellation?.aborted) {
      return left({ error: cancelledBefore('write'), applied, current: [] })
    }
    try {
      const outcome = await performWrite(api, write, options)
      if (outcome.tag === 'Refused') return left(failureOf(write, outcome, applied))
      applied.push(outcome.revision)
    } catch (cause) {
      return left({ error: toDatastoreError(cause, true), applied, current: [] })
    }
  }
  return right({ revisions: applied })
}

export const datastoreOn = (api: API): Datastore => ({
  capabilities,
  read:
    (queries, options = {}) =>
    async () => {
      if (options.cancellation?.aborted) return left(cancelledBefore('read'))
      try {
        const answers = await Promise.all(queries.map((query) => answer(api, query, options)))
        return right(answers as never)
      } catch (cause) {
        return left(toDatastoreError(cause, false))
      }
    },
  commit:
    (writes, options = {}) =>
    () =>
      commitAll(api, writes, options),
  watch: (kind, cancellation) => watchKind(api, kind, cancellation),
  close: () => api.client.close(),
})
