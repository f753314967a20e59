/**
 * Makes a handle that counts more than its blocks hold count what they hold; one that counts nothing then
 * goes. Only for a handle that has
 * not been written since it was seen, long ago: whoever counts in it now is about to take an address,
 * perhaps in a block that is yet to be made, and then the handle changes. Blocks that are there are
 * rewritten along, so that one who counted before must count again.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import type { RecountHandleRequest } from '../ipam.ts'
import { ordinalsOfHandle } from './block-changes.ts'
import { type Decision, done, readMore, type Step } from './decision.ts'
import { countedBlocks, recountWrites } from './fixed-held.ts'
import { getIn } from './snapshot.ts'

/** Whether it has been written. */
type Progress = { readonly isWritten: boolean }
type Next = Either<Refusal, Step<Progress, boolean>>

export const recountHandleDecision = ({
  handleID,
  revision,
}: RecountHandleRequest): Decision<Progress, boolean> => ({
  operation: 'recountHandle',
  start: { isWritten: false },
  decide: ({ snapshot }, progress): Next => {
    if (handleID === '') return left(refuse('InvalidRequest', 'a handle id must not be empty'))
    const counted = countedBlocks(snapshot, [handleID])
    if ('queries' in counted) return right(readMore(counted.queries, progress))
    const stored = getIn(snapshot, { kind: 'Handle', id: handleID })
    if (stored === undefined || stored.revision !== revision) return right(done(progress.isWritten))
    if (Object.keys(stored.value.blocks).length === 0) {
      const { key } = stored
      const writes = [{ op: 'delete', key, revision: stored.revision }] as const
      return right({ tag: 'Write', writes, progress: { isWritten: true } })
    }
    const held = (cidr: string): number => {
      const block = getIn(snapshot, { kind: 'Block', cidr })?.value
      return block === undefined ? 0 : ordinalsOfHandle(block, handleID).length
    }
    const writes = recountWrites(snapshot, handleID, held, new Set())
    if (writes.length === 0) return right(done(progress.isWritten))
    return right({
      tag: 'Write',
      writes,
      progress: { isWritten: true },
      ifConflict: progress,
      ifUnknown: progress,
    })
  },
})
