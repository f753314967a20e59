/**
 * The small writes that follow a larger one: confirming a claimed block, because only confirmed
 * blocks are routed, and tidying up. Each is decided anew from what is stored now, so after a failure
 * it is simply asked again, and it is over when there is nothing left to write.
 */
import { affinityText } from '../model/affinity-text.ts'
import type { Key, KeyValue, Write } from '../ports/datastore.ts'
import { withoutAffinity } from './block-changes.ts'
import { storeOrDelete } from './block-release.ts'
import { readAgain } from './decision.ts'
import {
  affinityAt,
  affinityKey,
  blockAt,
  blockKey,
  type Chore,
  type Ground,
  go,
  type Hunt,
  isMine,
  type Move,
  stepTo,
} from './hunt.ts'
import { restoreAffinity } from './restore-affinity.ts'

const confirm = (ground: Ground, cidr: string): Write | undefined => {
  const { owner } = ground.plan
  const affinity = affinityAt(ground, owner, cidr)
  const block = blockAt(ground, cidr)
  if (block.tag !== 'Stored' || !isMine(ground, block.stored.value)) return undefined
  const key = affinityKey(owner, cidr)
  const state = 'confirmed' as const
  if (affinity.tag === 'Unread') return undefined
  // It was given back while we slept, and the block was made after that: nobody would ever announce
  // it for us. It is nobody's now, unless it has been written since; its addresses stay.
  if (affinity.tag === 'Absent')
    return storeOrDelete(block.stored, withoutAffinity(block.stored.value))
  const { value, revision } = affinity.stored
  // Whoever marks it gives the block back, and has read it before us: it is theirs to finish.
  if (value.state === state || value.state === 'pendingDeletion') return undefined
  return { op: 'update', key, value: { ...value, state }, revision }
}

const dropOwn = (
  ground: Ground,
  { key, revision }: KeyValue<'BlockAffinity'>,
): Write | undefined => {
  const affinity = affinityAt(ground, ground.plan.owner, key.cidr)
  const isUnchanged = affinity.tag === 'Stored' && affinity.stored.revision === revision
  return isUnchanged ? { op: 'delete', key, revision } : undefined
}

const dropTheirs = (ground: Ground, key: Key<'BlockAffinity'>): Write | undefined => {
  const theirs = affinityAt(ground, key, key.cidr)
  const block = blockAt(ground, key.cidr)
  const isTheirs = block.tag === 'Stored' && block.stored.value.affinity === affinityText(key)
  if (isTheirs || theirs.tag !== 'Stored') return undefined
  if (theirs.stored.value.state !== 'pendingDeletion') return undefined
  return { op: 'delete', key, revision: theirs.stored.revision }
}

const writeOf = (ground: Ground, chore: Exclude<Chore, { tag: 'Restore' }>): Write | undefined => {
  switch (chore.tag) {
    case 'Confirm':
      return confirm(ground, chore.cidr)
    case 'DropOwn':
      return dropOwn(ground, chore.affinity)
    case 'DropTheirs':
      return dropTheirs(ground, chore.key)
    default:
      return chore satisfies never
  }
}

type Confirmation = Extract<Chore, { tag: 'Confirm' }>

const doubtful = (chore: Chore): Chore =>
  chore.tag === 'Confirm' ? { tag: 'Confirm', cidr: chore.cidr, isDoubtful: true } : chore

const revisionOfOwn = (ground: Ground, cidr: string) => {
  const affinity = affinityAt(ground, ground.plan.owner, cidr)
  return affinity.tag === 'Stored' ? affinity.stored.revision : undefined
}

/**
 * After a failure the block was known before the affinity was: it may have been given back in
 * between, and claimed by another node. It is read once more after the affinity, which is marked before
 * a block is given back: then an affinity unchanged since says that the block still is ours.
 */
const isBlockInDoubt = (ground: Ground, { cidr, isDoubtful, seen }: Confirmation): boolean => {
  const revision = revisionOfOwn(ground, cidr)
  return isDoubtful === true && revision !== undefined && revision !== seen
}

const rereadBlock = (ground: Ground, rest: Hunt, chore: Confirmation): Move => {
  const seen = revisionOfOwn(ground, chore.cidr)
  const next: Chore = seen === undefined ? chore : { ...chore, seen }
  return stepTo(
    readAgain([{ get: blockKey(chore.cidr) }], { ...rest, chores: [next, ...rest.chores] }),
  )
}

/** The first chore of the hunt; undefined when there is none. */
export const nextChore = (ground: Ground, hunt: Hunt): Move | undefined => {
  const [chore, ...chores] = hunt.chores
  if (chore === undefined) return undefined
  const rest: Hunt = { ...hunt, chores }
  if (chore.tag === 'Confirm' && isBlockInDoubt(ground, chore))
    return rereadBlock(ground, rest, chore)
  if (chore.tag === 'Restore') return restoreAffinity(ground, rest, chore)
  const write = writeOf(ground, chore)
  if (write === undefined) return go(rest)
  const again: Hunt = { ...rest, chores: [doubtful(chore), ...chores] }
  return stepTo({
    tag: 'Write',
    writes: [write],
    progress: rest,
    ifConflict: again,
    ifUnknown: again,
  })
}
