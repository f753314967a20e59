/** Commits of a datastore that is not atomic, so that something can happen between two writes. */
import type { Datastore, Revision, Write } from '@hc-calico/ipam-core/ports'
import { isLeft, left, right } from 'fp-ts/lib/Either.js'

export const oneByOne =
  (datastore: Datastore, before: (write: Write) => Promise<void>): Datastore['commit'] =>
  (writes, options) => {
    if (datastore.capabilities.atomicCommit) return datastore.commit(writes, options)
    return async () => {
      const revisions: Array<Revision | undefined> = []
      for (const write of writes) {
        await before(write)
        const done = await datastore.commit([write], options)()
        if (isLeft(done)) return left({ ...done.left, applied: revisions })
        revisions.push(done.right.revisions[0])
      }
      return right({ revisions })
    }
  }
