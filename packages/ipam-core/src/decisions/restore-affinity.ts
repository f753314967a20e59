/**
 * Gives an owner its confirmed affinity back, after a block that was to be taken away turned out to be in
 * use. Somebody else may be taking the same block at this moment, or the owner may be giving it back:
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
  const { key, isFenced = false } = chore
  const theirs = affinityAt(ground, key, key.cidr)
  const block = blockAt(ground, key.cidr)
  const withChore = (next: Restoration): Hunt => ({ ...rest, chores: [next, ...rest.chores] })
  const reread = (next: Restoration) =>
    stepTo(readAgain([{ get: key }, { get: blockKey(key.cidr) }], withChore(next)))
  if (chore.isRead !== true) return reread({ ...chore, isRead: true })
  if (theirs.tag !== 'Stored' || block.tag !== 'Stored') return go(rest)
  if (block.stored.value.affinity !== affinityText(key)) return go(rest)
  const { value, revision } = theirs.stored
  const isAtomic = ground.situation.capabilities.atomicCommit === true
  const put = (state: 'pending' | 'confirmed'): Write => ({
    ...{ op: 'update', key, value: { ...value, state }, revision },
  })
  if (isFenced) {
    if (value.state !== 'pending') return go(rest)
    return stepTo({ tag: 'Write', writes: [put('confirmed')], progress: rest, ifConflict: rest })
  }
  if (value.state !== 'pendingDeletion') return go(rest)
  const writes = [put(isAtomic ? 'confirmed' : 'pending'), ...fences(ground, [key.cidr])]
  const progress = isAtomic ? rest : withChore({ ...chore, isFenced: true })
  // Whoever was faster has it: the owner, or somebody who gives the block to another.
  return stepTo({ tag: 'Write', writes, progress, ifConflict: rest, ifUnknown: rest })
}
