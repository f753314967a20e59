/** One read transaction per `read`, one write transaction per `commit`: nothing else touches the file. */
import {
  type CommitFailure,
  type Committed,
  conditionFailure,
  type Key,
  type KeyValue,
  type Kind,
  type List,
  matchesFilter,
  type Query,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { Database } from './client.ts'
import { storedKey } from './keys.ts'
import { keyValueOf, type Row, storedValue } from './values.ts'

const rowOf = (raw: unknown): Row => {
  const { key, value, revision } = raw as { key: string; value: string; revision: number | bigint }
  return { key, value, revision: BigInt(revision) }
}

const getOne = (database: Database, key: Key): KeyValue | undefined => {
  const found = database
    .prepare('SELECT key, value, revision FROM objects WHERE kind = ? AND key = ?')
    .get(key.kind, storedKey(key))
  return found === undefined ? undefined : (keyValueOf(key.kind, rowOf(found)) as KeyValue)
}

const listAll = (
  database: Database,
  query: List,
  keyOf: (kind: Kind, text: string) => Key,
): ReadonlyArray<KeyValue> => {
  const rows = database
    .prepare('SELECT key, value, revision FROM objects WHERE kind = ? ORDER BY key')
    .all(query.list)
  return (
    rows
      .map(rowOf)
      // On the key alone, so that rows which do not match are never decoded.
      .filter((row) => matchesFilter(keyOf(query.list, row.key), query))
      .map((row) => keyValueOf(query.list, row) as KeyValue)
  )
}

const inTransaction = <A>(database: Database, begin: string, body: () => A): A => {
  database.exec(begin)
  try {
    const result = body()
    database.exec('COMMIT')
    return result
  } catch (cause) {
    // SQLite rolls back by itself on some errors (disk full); a second ROLLBACK would hide them.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw cause
  }
}

/** Answers all queries from one consistent snapshot. */
export const readAll = (
  database: Database,
  queries: ReadonlyArray<Query>,
  keyOf: (kind: Kind, text: string) => Key,
): ReadonlyArray<KeyValue | undefined | ReadonlyArray<KeyValue>> =>
  inTransaction(database, 'BEGIN', () =>
    queries.map((query) =>
      'get' in query ? getOne(database, query.get) : listAll(database, query, keyOf),
    ),
  )

const apply = (database: Database, write: Write, revision: bigint): Revision | undefined => {
  const key = storedKey(write.key)
  if (write.op === 'delete') {
    database.prepare('DELETE FROM objects WHERE kind = ? AND key = ?').run(write.key.kind, key)
    return undefined
  }
  database
    .prepare('INSERT OR REPLACE INTO objects (kind, key, value, revision) VALUES (?, ?, ?, ?)')
    .run(write.key.kind, key, storedValue(write.key.kind, write.value as never), revision)
  return `${revision}` as Revision
}

/** The file's revision: grows by one with every write, and is never given out twice. */
export const revisionOf = (database: Database): bigint => {
  const row = database.prepare('SELECT revision FROM counter').get() as {
    revision: number | bigint
  }
  return BigInt(row.revision)
}

/** All writes or none. */
export const commitAll = (
  database: Database,
  writes: ReadonlyArray<Write>,
): Either<CommitFailure, Committed> =>
  inTransaction(database, 'BEGIN IMMEDIATE', () => {
    const found = writes.map((write) => getOne(database, write.key))
    for (const [i, write] of writes.entries()) {
      const error = conditionFailure(found[i], write)
      if (error === undefined) continue
      const current = writes.map((one, at) => ({ key: one.key, found: found[at] }))
      return left({ error, applied: [], current })
    }
    const before = revisionOf(database)
    const revisions = writes.map((write, i) => apply(database, write, before + BigInt(i + 1)))
    const after = before + BigInt(writes.length)
    database.prepare('UPDATE counter SET revision = ?').run(after)
    return right({ revisions })
  })
