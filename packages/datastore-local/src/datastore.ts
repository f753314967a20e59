/** The port on one SQLite file. Every call opens and ends its own transaction. */
import {
  type Datastore,
  DatastoreFailure,
  datastoreError,
  type Key,
  type KeyValue,
  type Kind,
  type List,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import { capabilities } from './capabilities.ts'
import { type Database, openDatabase } from './client.ts'
import { toDatastoreError } from './errors.ts'
import { keyOfRow } from './keys.ts'
import {
  defaultBusyTimeoutMs,
  defaultWatchIntervalMs,
  type EnsuredObject,
  type LocalDatastoreOptions,
} from './options.ts'
import { commitAll, readAll, revisionOf } from './transactions.ts'
import { watchByPolling } from './watch.ts'

const keyOf = (kind: Kind, text: string): Key => keyOfRow(kind, text) as Key

/** Creates what is missing; a writer that was faster is as good as we are. */
const ensureObjects = (database: Database, wanted: ReadonlyArray<EnsuredObject>): void => {
  const queries = wanted.map(({ key }) => ({ get: key }))
  const found = readAll(database, queries, keyOf)
  const missing = wanted.filter((_, i) => found[i] === undefined)
  for (const { key, value } of missing) {
    const result = commitAll(database, [{ op: 'create', key, value } as Write])
    if (isLeft(result) && result.left.error.tag !== 'AlreadyExists') {
      throw new DatastoreFailure(result.left.error)
    }
  }
}

const datastoreOn = (database: Database, file: string, watchIntervalMs: number): Datastore => ({
  capabilities,
  read: (queries, call) => async () => {
    if (call?.cancellation?.aborted)
      return left(datastoreError('Unavailable', 'the read was cancelled'))
    try {
      return right(readAll(database, queries, keyOf) as never)
    } catch (cause) {
      return left(toDatastoreError(cause, 'read', file))
    }
  },
  commit: (writes, call) => async () => {
    const cancelled = datastoreError('Unavailable', 'the commit was cancelled before it began')
    if (call?.cancellation?.aborted) return left({ error: cancelled, applied: [], current: [] })
    try {
      return commitAll(database, writes)
    } catch (cause) {
      return left({ error: toDatastoreError(cause, 'write', file), applied: [], current: [] })
    }
  },
  watch: (kind, cancellation) => {
    const list = { list: kind } as List
    const source = {
      revision: () => revisionOf(database),
      list: () => readAll(database, [list], keyOf)[0] as ReadonlyArray<KeyValue<typeof kind>>,
    }
    return watchByPolling(source, watchIntervalMs, cancellation)
  },
  close: async () => {
    if (database.isOpen) database.close()
  },
})

/** Opens the file, making it when it is missing. Rejects with DatastoreFailure. */
export const openLocalDatastore = async (options: LocalDatastoreOptions): Promise<Datastore> => {
  const { file, ensure = [], busyTimeoutMs = defaultBusyTimeoutMs } = options
  let database: Database | undefined
  try {
    database = openDatabase(file, busyTimeoutMs)
    if (ensure.length > 0) ensureObjects(database, ensure)
    return datastoreOn(database, file, options.watchIntervalMs ?? defaultWatchIntervalMs)
  } catch (cause) {
    if (database?.isOpen) database.close()
    throw new DatastoreFailure(toDatastoreError(cause, 'open', file))
  }
}
