/** Files that are not ours to use: one clear error each, and the file stays as it was. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openLocalDatastore } from '@hc-calico/datastore-local'
import { DatastoreFailure } from '@hc-calico/ipam-core/ports'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hc-local-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const failureOf = async (file: string): Promise<DatastoreFailure['error']> => {
  try {
    await (await openLocalDatastore({ file })).close()
  } catch (cause) {
    if (cause instanceof DatastoreFailure) return cause.error
    throw cause
  }
  throw new Error('the file was opened')
}

const withSQL = (sql: string) => (file: string) => {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

test.each<[string, (file: string) => void, RegExp]>([
  ['text', (file) => writeFileSync(file, 'no database\n'.repeat(500)), /is not a database/],
  ['another program', withSQL('CREATE TABLE theirs (a)'), /database of another program/],
  [
    'a newer version',
    withSQL('PRAGMA application_id = 1212369232; PRAGMA user_version = 99'),
    /schema version 99, written by a newer HC-Calico.*upgrade/,
  ],
])('%s', async (_, make, sentence) => {
  const file = join(folder, 'file')
  make(file)
  const before = readFileSync(file)
  const error = await failureOf(file)
  expect(error.tag).toBe('Malformed')
  expect(error.message).toMatch(sentence)
  expect(readFileSync(file)).toEqual(before)
})

test('a folder in its place, and a relative path', async () => {
  mkdirSync(join(folder, 'folder'))
  expect((await failureOf(join(folder, 'folder'))).message).toMatch(
    /cannot open the local datastore/,
  )
  expect((await failureOf('relative.sqlite')).message).toMatch(/must be an absolute path/)
})

test('ensured objects are made once and never overwritten', async () => {
  const file = join(folder, 'file')
  const key = { kind: 'Node', name: 'n' } as const
  const open = (zone: string) =>
    openLocalDatastore({ file, ensure: [{ key, value: { name: 'n', labels: { zone } } }] })
  await (await open('a')).close()
  const store = await open('b')
  const answer = await store.read([{ get: key }])()
  await store.close()
  expect(answer).toMatchObject({ right: [{ value: { labels: { zone: 'a' } } }] })
})
