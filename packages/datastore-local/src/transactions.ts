/** One read transaction per `read`, one write transaction per `commit`: nothing else touches the file. */
import {
  type CommitFailure,
  type Committed,
  type DatastoreErrorTag,
  datastoreError,
  type Key,
  type KeyValue,
  type Kind,
  keyText,
  type List,
  type Query,
  type Revision,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import type { Database } from './client.ts'
import { storedKey } from './keys.ts'
import { keyValueOf, type Row, storedValue } from './values.ts'

const familyOf = (cidr: string): 4 | 6 => (cidr.includes(':') ? 6 : 4)

/** Filters on the key alone, so that rows which do not match are never decoded. */
const matches = (key: Key, where: Readonly<Record<string, unknown>>): boolean => {
  const fields = key as unknown as Readonly<Record<string, unknown>>
  return Object.entries(where).every(([field, wanted]) => {
    if (wanted === undefined) return true
    if (field === 'family') return familyOf(String(fields.cidr)) === wanted
    if (field === 'namePrefix') return String(fields.name).startsWith(String(wanted))
    return fields[field] === wanted
  })
}

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
  const where: Readonly<Record<string, unknown>> = { ...query.where }
  return rows
    .map(rowOf)
    .filter((row) => matches(keyOf(query.list, row.key), where))
    .map((row) => keyValueOf(query.list, row) as KeyValue)
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

const objection = (found: KeyValue | undefined, write: Write): DatastoreErrorTag | undefined => {
  if (write.op === 'create') return found === undefined ? undefined : 'AlreadyExists'
  if (found === undefined) return 'NotFound'
  return found.revision === write.revision ? undefined : 'Conflict'
}

const because: Readonly<Record<string, string>> = {
  AlreadyExists: 'it exists already',
  NotFound: 'it does not exist',
  Conflict: 'it was changed meanwhile',
}

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
      const tag = objection(found[i], write)
      if (tag === undefined) continue
      const message = `cannot ${write.op} ${keyText(write.key)}: ${because[tag]}`
      const current = writes.map((one, at) => ({ key: one.key, found: found[at] }))
      return left({ error: datastoreError(tag, message, { key: write.key }), applied: [], current })
    }
    const before = revisionOf(database)
    const revisions = writes.map((write, i) => apply(database, write, before + BigInt(i + 1)))
    const after = before + BigInt(writes.length)
    database.prepare('UPDATE counter SET revision = ?').run(after)
    return right({ revisions })
  })
