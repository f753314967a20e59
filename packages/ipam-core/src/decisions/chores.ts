/**
 * The small writes that follow a larger one. Confirming a claimed block must succeed, because only
 * confirmed blocks are routed; the others tidy up, and whoever comes next can do it as well, so
 * they are tried once.
 */
import type { Write } from '../ports/datastore.ts'
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
  if (affinity.tag !== 'Stored') return { op: 'create', key, value: { ...owner, cidr, state } }
  const { value, revision } = affinity.stored
  if (value.state === state) return undefined
  return { op: 'update', key, value: { ...value, state }, revision }
}

const dropOwn = (ground: Ground, cidr: string): Write | undefined => {
  const affinity = affinityAt(ground, ground.plan.owner, cidr)
  const block = blockAt(ground, cidr)
  if (affinity.tag !== 'Stored') return undefined
  if (block.tag === 'Stored' && isMine(ground, block.stored.value)) return undefined
  const { key, revision } = affinity.stored
  return { op: 'delete', key, revision }
}

const writeOf = (ground: Ground, chore: Chore): Write | undefined => {
  switch (chore.tag) {
    case 'Confirm':
      return confirm(ground, chore.cidr)
    case 'DropOwn':
      return dropOwn(ground, chore.cidr)
    case 'DropTheirs': {
      const theirs = affinityAt(ground, chore.key, chore.key.cidr)
      if (theirs.tag !== 'Stored' || theirs.stored.value.state !== 'pendingDeletion')
        return undefined
      return { op: 'delete', key: chore.key, revision: theirs.stored.revision }
    }
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
  const onFailure = chore.tag === 'Confirm' ? hunt : rest
  return stepTo({
    tag: 'Write',
    writes: [write],
    progress: rest,
    ifConflict: onFailure,
    ifUnknown: onFailure,
  })
}
