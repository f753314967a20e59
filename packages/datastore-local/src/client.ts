/**
 * The file itself: the only importer of the runtime's SQLite (`node:sqlite`, in Node and in Bun).
 *
 * Write-ahead log with `synchronous=FULL`: a commit is on the disk before it is acknowledged, a
 * process killed at any point leaves whole transactions only, and readers do not wait for a writer.
 */
import { chmodSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DatastoreFailure, datastoreError } from '@hc-calico/ipam-core/ports'
import { isBusy } from './errors.ts'

/** 'HCIP': tells our file from another program's database. */
const applicationID = 0x48434950
export const schemaVersion = 1

const schema = `
  CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counter (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
  INSERT OR IGNORE INTO counter VALUES (1, 0);
  PRAGMA application_id = ${applicationID};
  PRAGMA user_version = ${schemaVersion};
`

const malformed = (message: string): DatastoreFailure =>
  new DatastoreFailure(datastoreError('Malformed', message))

const pragma = (database: DatabaseSync, name: string): number =>
  Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0)

/** Makes the file before SQLite does, so that it never exists with a wider mode. */
const createPrivately = (file: string): void => {
  if (!isAbsolute(file))
    throw malformed(`the local datastore's file must be an absolute path: ${file}`)
  if (existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, constants.O_CREAT | constants.O_RDWR, 0o600))
  chmodSync(file, 0o600)
}

const checkVersion = (database: DatabaseSync, file: string): boolean => {
  const version = pragma(database, 'user_version')
  const application = pragma(database, 'application_id')
  if (version > schemaVersion && application === applicationID) {
    throw malformed(
      `the local datastore ${file} has schema version ${version}, written by a newer HC-Calico; this one reads up to ${schemaVersion}: upgrade it`,
    )
  }
  const isEmpty = version === 0 && application === 0
  const hasTables = isEmpty && pragma(database, 'schema_version') > 0
  if ((!isEmpty && application !== applicationID) || hasTables) {
    throw malformed(`${file} is a database of another program, not a local datastore`)
  }
  return isEmpty
}

const initialise = (database: DatabaseSync): void => {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(schema)
    database.exec('COMMIT')
  } catch (cause) {
    database.exec('ROLLBACK')
    throw cause
  }
}

const openOnce = (file: string, busyTimeoutMs: number): DatabaseSync => {
  const database = new DatabaseSync(file)
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    // All of it at one instant: another process may be preparing the file.
    database.exec('BEGIN')
    const isNew = checkVersion(database, file)
    database.exec('COMMIT')
    if (isNew) database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    if (isNew) initialise(database)
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

const pauseMsMax = 20

/** Nothing else happens in the process meanwhile, as while SQLite waits. */
const pause = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/**
 * Opens (and, for a new file, prepares) the database. Throws SQLite's errors or DatastoreFailure. Of
 * several processes that prepare one new file SQLite turns some away at once, whatever time they would
 * wait: changing the journal's mode does not. They try again for that time.
 */
export const openDatabase = (file: string, busyTimeoutMs: number): DatabaseSync => {
  createPrivately(file)
  const untilMs = performance.now() + busyTimeoutMs
  for (;;) {
    try {
      return openOnce(file, busyTimeoutMs)
    } catch (cause) {
      if (!isBusy(cause) || performance.now() >= untilMs) throw cause
      pause(1 + Math.random() * pauseMsMax)
    }
  }
}

export type Database = DatabaseSync
