/** Short ways to call a datastore and to say what was expected of it. */
import assert from 'node:assert/strict'
import type {
  Answers,
  CommitFailure,
  Datastore,
  DatastoreErrorTag,
  Query,
  Revision,
  Write,
} from '@hc-calico/ipam-core/ports'

export const read = async <const Qs extends ReadonlyArray<Query>>(
  store: Datastore,
  queries: Qs,
): Promise<Answers<Qs>> => {
  const answer = await store.read(queries)()
  if (answer._tag === 'Left') assert.fail(`a read failed: ${answer.left.message}`)
  return answer.right
}

export const commit = async (
  store: Datastore,
  writes: ReadonlyArray<Write>,
): Promise<ReadonlyArray<Revision | undefined>> => {
  const result = await store.commit(writes)()
  if (result._tag === 'Left') assert.fail(`a commit failed: ${result.left.error.message}`)
  assert.equal(result.right.revisions.length, writes.length, 'one revision per write')
  return result.right.revisions
}

export const commitFails = async (
  store: Datastore,
  writes: ReadonlyArray<Write>,
  tag: DatastoreErrorTag,
): Promise<CommitFailure> => {
  const result = await store.commit(writes)()
  if (result._tag === 'Right') assert.fail(`a commit succeeded that had to fail with ${tag}`)
  assert.equal(result.left.error.tag, tag)
  return result.left
}
