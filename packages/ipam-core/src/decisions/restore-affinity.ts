/**
 * Gives an owner its confirmed affinity back, after a block that was to be taken away turned out to be in
 * use; only where commits are not atomic. Somebody else may be taking the same block at this moment, or the owner may be giving it back:
 * so first the affinity gets another state, which they do not expect, and the block another version;
 * only then, with both unchanged, is it confirmed. What cannot be had so is left to the owner, who
 * confirms what is its own before it uses it.
 */
import { affinityText } from '../model/affinity-text.ts'
import type { Write } from '../ports/datastore.ts'
import { fences } from './credits.ts'
import { readAgain } from './decision.ts'
import {
  affinityAt,
  blockAt,
  blockKey,
  type Chore,
  type Ground,
  go,
  type Hunt,
  type Move,
  stepTo,
} from './hunt.ts'

type Restoration = Extract<Chore, { tag: 'Restore' }>

/** The next step of the restoration; `rest` is the hunt without it. */
export const restoreAffinity = (ground: Ground, rest: Hunt, chore: Restoration): Move => {
  const { key, isBegun = false } = chore
  const theirs = affinityAt(ground, key, key.cidr)
  const block = blockAt(ground, key.cidr)
  const withChore = (next: Restoration): Hunt => ({ ...rest, chores: [next, ...rest.chores] })
  if (chore.isRead !== true) {
    const queries = [{ get: key }, { get: blockKey(key.cidr) }]
    return stepTo(readAgain(queries, withChore({ ...chore, isRead: true })))
  }
  if (theirs.tag !== 'Stored' || block.tag !== 'Stored') return go(rest)
  if (block.stored.value.affinity !== affinityText(key)) return go(rest)
  const { value, revision } = theirs.stored
  const put = (state: 'pending' | 'confirmed'): Write => ({
    ...{ op: 'update', key, value: { ...value, state }, revision },
  })
  const again = withChore({ tag: 'Restore', key, isBegun: true })
  if (chore.isFenced === true && value.state === 'pending') {
    const writes = [put('confirmed')]
    return stepTo({ tag: 'Write', writes, progress: rest, ifConflict: again, ifUnknown: again })
  }
  const isOurs = value.state === 'pendingDeletion' || (isBegun && value.state === 'pending')
  if (!isOurs) return go(rest)
  const unmark = value.state === 'pendingDeletion' ? [put('pending')] : []
  return stepTo({
    tag: 'Write',
    writes: [...unmark, ...fences(ground, [key.cidr])],
    progress: withChore({ ...chore, isBegun: true, isFenced: true }),
    // Whoever was faster has it, unless we have begun: then a busy block is rewritten once more.
    ifConflict: isBegun ? again : rest,
    ifPartial: () => again,
    ifUnknown: again,
  })
}
