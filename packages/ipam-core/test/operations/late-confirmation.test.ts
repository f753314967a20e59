/**
 * A claim that hears nothing of its confirmation, while somebody gives the block back: a confirmed
 * affinity of a block that is not ours any more would have two nodes announce it.
 */
import { describe, expect, test } from 'vitest'
import { withoutAffinity } from '../../src/decisions/block-changes.ts'
import { autoAssign } from '../../src/operations/auto-assign.ts'
import type { Datastore, Key, Values, Write } from '../../src/ports/index.ts'
import { datastoreError } from '../../src/ports/index.ts'
import { blockWith, ok, poolOf, assignRequest as request, worldOf } from './world.ts'

const cidr = '10.0.0.0/30'
const affinityKey: Key<'BlockAffinity'> = { kind: 'BlockAffinity', type: 'host', host: 'n1', cidr }
const blockKey: Key<'Block'> = { kind: 'Block', cidr }

const isConfirmation = ([write]: ReadonlyArray<Write>): boolean =>
  write?.key.kind === 'BlockAffinity' &&
  write.op === 'update' &&
  (write.value as Values['BlockAffinity']).state === 'confirmed'

const get = async <K extends Key>(datastore: Datastore, key: K) => {
  const found = await datastore.read([{ get: key as Key }])()
  if (found._tag === 'Left') throw new Error(found.left.message)
  return found.right[0] as { value: Values[K['kind']]; revision: never } | undefined
}

const commit = async (datastore: Datastore, write: Write): Promise<void> => {
  const done = await datastore.commit([write])()
  if (done._tag === 'Left') throw new Error(done.left.error.message)
}

const stored = async <K extends Key>(datastore: Datastore, key: K) => {
  const found = await get(datastore, key)
  if (found === undefined) throw new Error('it is not there')
  return found
}

/** As a release does it: the mark, then the block. */
const markAndClear = async (datastore: Datastore): Promise<void> => {
  const affinity = await stored(datastore, affinityKey)
  const marked = { ...affinity.value, state: 'pendingDeletion' } as const
  const { revision } = affinity
  await commit(datastore, { op: 'update', key: affinityKey, value: marked, revision })
  const block = await stored(datastore, blockKey)
  const value = withoutAffinity(block.value)
  await commit(datastore, { op: 'update', key: blockKey, value, revision: block.revision })
}

/** As for a claim that slept until its affinity was gone, and made its block after that. */
const withoutItsAffinity = async (datastore: Datastore): Promise<void> => {
  const { revision } = await stored(datastore, affinityKey)
  await commit(datastore, { op: 'delete', key: affinityKey, revision })
}

/** And to the end; then another node has the block, and a new claim of ours has begun. */
const takenOver = async (datastore: Datastore): Promise<void> => {
  await markAndClear(datastore)
  for (const key of [affinityKey, blockKey] as ReadonlyArray<Key>) {
    const { revision } = await stored(datastore, key)
    await commit(datastore, { op: 'delete', key, revision } as Write)
  }
  await commit(datastore, { op: 'create', key: blockKey, value: blockWith(cidr, 'host:n2') })
  const value = { type: 'host', host: 'n1', cidr, state: 'pending' } as const
  await commit(datastore, { op: 'create', key: affinityKey, value })
}

/** The first confirmation is lost, and this happens instead. */
const losing = (datastore: Datastore, instead: (one: Datastore) => Promise<void>): Datastore => {
  let isLost = false
  return {
    ...datastore,
    commit: (writes, options) => async () => {
      if (isLost || !isConfirmation(writes)) return datastore.commit(writes, options)()
      isLost = true
      await instead(datastore)
      const error = datastoreError('OutcomeUnknown', 'no answer')
      return { _tag: 'Left', left: { error, applied: [], current: [] } }
    },
  }
}

describe('the confirmation of a claim is lost', () => {
  test.each([
    ['nothing else happens', async () => {}, 'confirmed', 'host:n1'],
    ['somebody is giving the block back', markAndClear, 'pendingDeletion', undefined],
    [
      'the affinity is gone: nobody would announce the block',
      withoutItsAffinity,
      undefined,
      undefined,
    ],
    ['the block is another node’s by now', takenOver, 'pending', 'host:n2'],
  ] as const)('and %s', async (_, instead, state, owner) => {
    const world = await worldOf({ atomic: false, pools: [poolOf('10.0.0.0/30', 30)] })
    const { datastore } = world.deps
    const deps = { ...world.deps, datastore: losing(datastore, instead) }
    await ok(autoAssign(deps, request()))
    expect((await get(datastore, affinityKey))?.value.state).toBe(state)
    expect((await get(datastore, blockKey))?.value.affinity).toBe(owner)
  })
})
