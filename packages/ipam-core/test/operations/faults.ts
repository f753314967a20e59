/** Ways in which a datastore call can go wrong, as wrappers around a world's datastore. */
import { left } from 'fp-ts/lib/Either.js'
import type { Deps } from '../../src/operations/deps.ts'
import {
  type CommitFailure,
  type Datastore,
  type DatastoreErrorTag,
  datastoreError,
  type Write,
} from '../../src/ports/index.ts'
import type { World } from './world.ts'

export class Killed extends Error {}

const withDatastore = (world: World, change: Partial<Datastore>): Deps => ({
  ...world.deps,
  datastore: { ...world.deps.datastore, ...change },
})

/** The process dies once so many writes have been applied; where commits are atomic, commits. */
export const killedAfter = (world: World, writesMax: number): Deps => {
  const { datastore } = world.deps
  const isAtomic = datastore.capabilities.atomicCommit === true
  let applied = 0
  return withDatastore(world, {
    commit: (writes, options) => async () => {
      const left = writesMax - applied
      const now = isAtomic ? (left > 0 ? writes : []) : writes.slice(0, left)
      applied += isAtomic ? 1 : now.length
      if (now.length === 0) throw new Killed()
      const result = await datastore.commit(now, options)()
      if (now.length < writes.length) throw new Killed()
      return result
    },
  })
}

const failed = (tag: DatastoreErrorTag): CommitFailure => ({
  error: datastoreError(tag, `injected ${tag}`),
  applied: [],
  current: [],
})

/**
 * How a commit goes wrong.
 * `Refused`: nothing is written, and the error says so.
 * `RequestLost`, `ReplyLost`: unknown outcome, nothing or everything written.
 * `Cut`: unknown outcome, only the first write applied (where commits are not atomic).
 * `Delayed`: unknown outcome, written just before the next commit.
 */
export type Fault = 'Refused' | 'RequestLost' | 'ReplyLost' | 'Cut' | 'Delayed'

/** The commit with this index (from 0) goes wrong; with `readsFail` the next read does too. */
export const withFault = (world: World, fault: Fault, index: number, readsFail = false): Deps => {
  const { datastore } = world.deps
  let commits = 0
  let readsToFail = 0
  let delayed: ReadonlyArray<Write> = []
  const apply = async (writes: ReadonlyArray<Write>): Promise<void> => {
    if (writes.length > 0) await datastore.commit(writes)()
  }
  return withDatastore(world, {
    read: (queries, options) => async () => {
      readsToFail -= 1
      if (readsToFail < 0) return datastore.read(queries, options)()
      return left(datastoreError('Unavailable', 'injected failure of a read'))
    },
    commit: (writes, options) => async () => {
      await apply(delayed)
      delayed = []
      commits += 1
      if (commits !== index + 1) return datastore.commit(writes, options)()
      readsToFail = readsFail ? 2 : 0
      if (fault === 'Refused') return left(failed('Unavailable'))
      const isAtomic = datastore.capabilities.atomicCommit === true
      if (fault === 'ReplyLost') await apply(writes)
      if (fault === 'Cut') await apply(isAtomic ? [] : writes.slice(0, 1))
      if (fault === 'Delayed') delayed = writes
      return left(failed('OutcomeUnknown'))
    },
  })
}
