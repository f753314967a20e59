/**
 * The only place where a rested address returns to the queue for its own sake: any other write of a
 * block does it along the way, this one serves blocks that nobody else writes. A block that somebody
 * writes at the same time is left to them. A block without an owner that holds nothing more goes.
 */
import { right } from 'fp-ts/lib/Either.js'
import { formatIPAddress } from '../ip/address.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { addressAt } from '../ip/ordinal.ts'
import type { Block } from '../model/block.ts'
import { touched } from './block-changes.ts'
import { type Cooling, storeOrDelete, warm } from './block-release.ts'
import { type Decision, done, readMore } from './decision.ts'
import { coolingIn } from './release-by-handle.ts'
import { getIn, notYetRead } from './snapshot.ts'

/** Addresses of the block whose cooldown has passed. */
export const coldAddresses = (block: Block, cooling: Cooling): ReadonlyArray<string> => {
  const cidr = trustedCIDR(block.cidr)
  const { allocations } = warm(block, cooling)
  return block.allocations.flatMap((index, ordinal) =>
    index !== null && allocations[ordinal] === null
      ? [formatIPAddress(addressAt(cidr, ordinal))]
      : [],
  )
}

interface Progress {
  /** What our write freed; undefined before it, empty when somebody was faster. */
  readonly freed: ReadonlyArray<string> | undefined
}

/** Frees the cold addresses of one block, and answers them. */
export const collectBlockDecision = (cidr: string): Decision<Progress, ReadonlyArray<string>> => {
  const key = { kind: 'Block', cidr } as const
  const queries = [{ get: key }, { get: { kind: 'IPAMConfig' } }] as const
  return {
    operation: 'garbageCollectColdIPs',
    start: { freed: undefined },
    decide: (situation, progress) => {
      const { snapshot } = situation
      if (notYetRead(snapshot, queries).length > 0) return right(readMore(queries, progress))
      if (progress.freed !== undefined) return right(done(progress.freed))
      const stored = getIn(snapshot, key)
      const cooling = coolingIn(situation)
      const freed = stored === undefined ? [] : coldAddresses(stored.value, cooling)
      if (stored === undefined || freed.length === 0) return right(done([]))
      return right({
        tag: 'Write',
        writes: [storeOrDelete(stored, touched(warm(stored.value, cooling)))],
        progress: { freed },
        ifConflict: { freed: [] },
        ifUnknown: progress,
      })
    },
  }
}
