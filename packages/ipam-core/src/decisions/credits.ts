/**
 * Credits: addresses that the stored handle counts although no allocation followed, because a commit
 * stopped after the handle. They stand only as far as handle and block bear them out: another request
 * under the same handle (a replay, while this one slept) may have used the count for an address, or
 * moved it to another block, and then there is nothing left to use.
 *
 * In one atomic commit a credit is used up by whatever block is used next. Elsewhere every attempt counts
 * once more: a count that leaves the handle as it is leaves its version too, on a server that stores
 * nothing where nothing is different, and whoever is about to take that count out would not notice.
 * Credits are given back at the end, together with a rewrite of their block: whoever was about to use
 * one there fails, and finds the addresses of this request instead. A block that is not there cannot be
 * rewritten: somebody who sleeps may yet make it. Its credit stays in the handle, for the handle's
 * release or garbage collection.
 */
import type { Handle } from '../model/handle.ts'
import type { Write } from '../ports/datastore.ts'
import { ordinalsOfHandle, touched } from './block-changes.ts'
import { readAgain, readMore } from './decision.ts'
import { decremented, handleWrite } from './handle-changes.ts'
import {
  blockAt,
  blockKey,
  type Credit,
  type Ground,
  type Hunt,
  type Move,
  stepTo,
  storedHandle,
} from './hunt.ts'

/** What the hunt takes for credit in the block. */
export const creditedIn = ({ credits }: Hunt, cidr: string): number =>
  credits.reduce((sum, one) => (one.cidr === cidr ? sum + one.count : sum), 0)

/** What the handle counts in the block beyond the addresses it has there, as far as is known. */
const surplusIn = (ground: Ground, handle: Handle, cidr: string): number => {
  const known = blockAt(ground, cidr)
  const held = known.tag === 'Stored' ? ordinalsOfHandle(known.stored.value, handle.id).length : 0
  return (handle.blocks[cidr] ?? 0) - held
}

/** The hunt with the credits that still stand; the same hunt when all do. */
export const withStandingCredits = (ground: Ground, hunt: Hunt): Hunt => {
  const handle = storedHandle(ground, ground.plan.allocation.handleID)?.value
  if (hunt.credits.length === 0) return hunt
  const cidrs = [...new Set(hunt.credits.map(({ cidr }) => cidr))]
  const credits = cidrs.flatMap((cidr): ReadonlyArray<Credit> => {
    const left = handle === undefined ? 0 : surplusIn(ground, handle, cidr)
    const count = Math.min(creditedIn(hunt, cidr), left)
    return count > 0 ? [{ cidr, count }] : []
  })
  const isSame = hunt.credits.every(
    (one) => creditedIn({ ...hunt, credits }, one.cidr) === creditedIn(hunt, one.cidr),
  )
  return isSame ? hunt : { ...hunt, credits }
}

/**
 * The move that must come before credits are believed: whoever changed the handle since its blocks were
 * read may have used the count for an address there.
 */
export const rereadCredits = (ground: Ground, hunt: Hunt): Move | undefined => {
  const handle = storedHandle(ground, ground.plan.allocation.handleID)
  if (hunt.credits.length === 0 || handle === undefined) return undefined
  if (hunt.creditsSeen === handle.revision) return undefined
  const queries = hunt.credits.map(({ cidr }) => ({ get: blockKey(cidr) }))
  return stepTo(readAgain(queries, { ...hunt, creditsSeen: handle.revision }))
}

const isAtomic = ({ situation }: Ground): boolean => situation.capabilities.atomicCommit === true

/** The credits that an attempt may use up. */
export const usableCredits = (ground: Ground, { credits }: Hunt) =>
  isAtomic(ground) ? credits : []

/** The credits that are left after an attempt. */
export const creditsAfter = (ground: Ground, { credits }: Hunt) => (isAtomic(ground) ? [] : credits)

export const withoutCredits = (handle: Handle, credits: ReadonlyArray<Credit>): Handle =>
  credits.reduce((rest, { cidr, count }) => decremented(rest, cidr, count), handle)

/** Rewrites of the blocks, so that nobody who has read them before can change them any more. */
export const fences = (ground: Ground, cidrs: Iterable<string>): ReadonlyArray<Write> =>
  [...new Set(cidrs)].flatMap((cidr): ReadonlyArray<Write> => {
    const known = blockAt(ground, cidr)
    if (known.tag !== 'Stored') return []
    const { value, revision } = known.stored
    return [{ op: 'update', key: blockKey(cidr), value: touched(value), revision }]
  })

/** The end of a hunt: what the handle still counts too much is taken out of it first. */
export const close = (ground: Ground, hunt: Hunt): Move => {
  const { credits } = withStandingCredits(ground, hunt)
  const closed: Hunt = { ...hunt, credits: [] }
  const unread = credits.filter(({ cidr }) => blockAt(ground, cidr).tag === 'Unread')
  if (!isAtomic(ground) && unread.length > 0) {
    const queries = unread.map(({ cidr }) => ({ get: blockKey(cidr) }))
    return stepTo(readMore(queries, hunt))
  }
  const stored = storedHandle(ground, ground.plan.allocation.handleID)
  const returned = credits.filter(
    ({ cidr }) => isAtomic(ground) || blockAt(ground, cidr).tag === 'Stored',
  )
  const next = stored && withoutCredits(stored.value, returned)
  const write = next && returned.length > 0 ? handleWrite(stored, next) : undefined
  if (write === undefined) return { tag: 'End', hunt: closed }
  const fenced = isAtomic(ground) ? [] : returned.map(({ cidr }) => cidr)
  const writes = [...fences(ground, fenced), write]
  return stepTo({ tag: 'Write', writes, progress: closed, ifConflict: hunt, ifUnknown: hunt })
}
