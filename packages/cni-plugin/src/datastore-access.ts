/** Reads and single conditional writes on the Datastore port, as Promises that reject. */
import {
  type Answers,
  type CommitFailure,
  type Datastore,
  DatastoreFailure,
  type Query,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { isLeft } from 'fp-ts/lib/Either.js'

/** All answers in one round trip. Rejects with DatastoreFailure. */
export const readAll = async <const Qs extends ReadonlyArray<Query>>(
  datastore: Datastore,
  queries: Qs,
): Promise<Answers<Qs>> => {
  const answers = await datastore.read(queries)()
  if (isLeft(answers)) throw new DatastoreFailure(answers.left)
  return answers.right
}

/** Commits one write; resolves to why it failed, or undefined when it is done. */
export const tryWrite = async (
  datastore: Datastore,
  write: Write,
): Promise<CommitFailure | undefined> => {
  const committed = await datastore.commit([write])()
  return isLeft(committed) ? committed.left : undefined
}

/** Writes that lost a race, or whose outcome nobody knows, are decided again this often. */
const attemptsMax = 6

const mayDecideAgain = (failure: CommitFailure): boolean =>
  ['Conflict', 'AlreadyExists', 'NotFound', 'OutcomeUnknown'].includes(failure.error.tag)

/**
 * Read, decide, write, and once more when somebody else was faster. `decide` answers undefined when
 * there is nothing (left) to write, which is also how it recognises its own work. Resolves to
 * whether a write was certainly made.
 */
export const writeDecided = async (
  datastore: Datastore,
  decide: () => Promise<Write | undefined>,
): Promise<boolean> => {
  let last: CommitFailure | undefined
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const write = await decide()
    if (write === undefined) return false
    last = await tryWrite(datastore, write)
    if (last === undefined) return true
    if (!mayDecideAgain(last)) break
  }
  if (last === undefined) return false
  throw new DatastoreFailure(last.error)
}
