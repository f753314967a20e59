/**
 * The small writes that follow a larger one: confirming a claimed block, because only confirmed
 * blocks are routed, and tidying up. Each is decided anew from what is stored now, so after a failure
 * it is simply asked again, and it is over when there is nothing left to write.
 */
import { affinityText } from '../model/affinity-text.ts'
import type { Key, KeyValue, Write } from '../ports/datastore.ts'
import {
  affinityAt,
  affinityKey,
  blockAt,
  type Chore,
  type Ground,
  go,
  type Hunt,
  isMine,
  type Move,
  stepTo,
} from './hunt.ts'

const confirm = (ground: Ground, cidr: string): Write | undefined => {
  const { owner } = ground.plan
  const affinity = affinityAt(ground, owner, cidr)
  const block = blockAt(ground, cidr)
  if (block.tag !== 'Stored' || !isMine(ground, block.stored.value)) return undefined
  const key = affinityKey(owner, cidr)
  const state = 'confirmed' as const
  // It was given back since: what is known of the block is older than that, and it may have a new
  // owner by now. A block that still is ours without an affinity is adopted by the next request.
  if (affinity.tag !== 'Stored') return undefined
  const { value, revision } = affinity.stored
  if (value.state === state) return undefined
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

const writeOf = (ground: Ground, chore: Chore): Write | undefined => {
  switch (chore.tag) {
    case 'Confirm':
      return confirm(ground, chore.cidr)
    case 'DropOwn':
      return dropOwn(ground, chore.affinity)
    case 'DropTheirs':
      return dropTheirs(ground, chore.key)
    case 'Restore': {
      const { key, value } = chore.affinity
      const theirs = affinityAt(ground, key, key.cidr)
      if (theirs.tag !== 'Stored' || theirs.stored.value.state !== 'pendingDeletion')
        return undefined
      return { op: 'update', key, value, revision: theirs.stored.revision }
    }
    default:
      return chore satisfies never
  }
}

/** The first chore of the hunt; undefined when there is none. */
export const nextChore = (ground: Ground, hunt: Hunt): Move | undefined => {
  const [chore, ...chores] = hunt.chores
  if (chore === undefined) return undefined
  const rest: Hunt = { ...hunt, chores }
  const write = writeOf(ground, chore)
  if (write === undefined) return go(rest)
  return stepTo({ tag: 'Write', writes: [write], progress: rest })
}
