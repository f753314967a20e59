/**
 * Gives back fixed addresses that are still as they were seen: parked, or held by a certain holder,
 * at a certain epoch. All of them or none: one that somebody has taken over since shows that the
 * identity lives. The check is part of the compare-and-set, so nothing can come between.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import type { ReleaseFixedRequest } from '../ipam.ts'
import { ordinalsOfHandle } from './block-changes.ts'
import { type BlockRelease, blockRelease, staleEntry } from './block-release.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import { addressOf, countedBlocks, type Held, heldIn } from './fixed-held.ts'
import { checksAfter, coolingIn, type ReleaseOutcome, releaseContext } from './release-by-handle.ts'
import {
  isOwed,
  noProgress,
  type OpenRelease,
  type ReleaseProgress,
  releaseStep,
  rereadDoubted,
} from './release-progress.ts'
import { getIn, notYetRead } from './snapshot.ts'

type Request = ReleaseFixedRequest & { readonly writesMax: number }
type Next = Either<Refusal, Step<ReleaseProgress, ReleaseOutcome>>

const bare = (address: string): string => address.split('/')[0] as string

/** Those that the request is about. */
const named = (held: ReadonlyArray<Held>, { ips }: Request): ReadonlyArray<Held> => {
  if (ips === undefined) return held
  const wanted = new Set(ips.map(bare))
  return held.filter((one) => wanted.has(addressOf(one)))
}

const isAsSeen = ({ state }: Held, { epoch, holderID }: Request): boolean =>
  state !== undefined && state.epoch === epoch && state.holder?.id === holderID

/** What of one block goes: addresses, and a count that the block does not bear out. */
const releaseIn = (
  cidr: string,
  going: ReadonlyArray<Held>,
  request: Request,
  situation: Situation,
  progress: ReleaseProgress,
): OpenRelease => {
  const { snapshot } = situation
  const { handleID } = request
  const stored = getIn(snapshot, { kind: 'Block', cidr })
  const counted = getIn(snapshot, { kind: 'Handle', id: handleID })?.value.blocks[cidr] ?? 0
  const own = going.filter((one) => one.stored.value.cidr === cidr)
  if (stored !== undefined && own.length > 0) {
    const ordinals = own.map(({ ordinal }) => ordinal)
    return { releases: [blockRelease(stored, ordinals, coolingIn(situation))], orphaned: [] }
  }
  // Of a block that is gone: somebody on another node may be about to make it. That is for garbage
  // collection, which waits.
  if (stored === undefined) return { releases: [], orphaned: [] }
  const held = ordinalsOfHandle(stored.value, handleID).length
  const isSuspect = progress.suspects.some((one) => one.cidr === cidr)
  const isStale = counted > held && (held === 0 || isSuspect)
  if (!isStale || isOwed(progress, { handleID, cidr })) return { releases: [], orphaned: [] }
  const change = { ...staleEntry(handleID, cidr), released: counted - held, remaining: held }
  const rewrite: BlockRelease = { stored, ordinals: [], handleChanges: [change] }
  return { releases: [rewrite], orphaned: [] }
}

const decideOn = (
  request: Request,
  cidrs: ReadonlyArray<string>,
  situation: Situation,
  progress: ReleaseProgress,
): Step<ReleaseProgress, ReleaseOutcome> => {
  const { snapshot } = situation
  const held = heldIn(snapshot, request.handleID, cidrs)
  const going = named(held, request)
  const mayGo = going.every((one) => isAsSeen(one, request))
  const opened = cidrs.map((cidr) => releaseIn(cidr, going, request, situation, progress))
  const open: OpenRelease = {
    releases: mayGo ? opened.flatMap(({ releases }) => releases) : [],
    orphaned: mayGo ? opened.flatMap(({ orphaned }) => orphaned) : [],
  }
  const by = { ...coolingIn(situation), writesMax: request.writesMax }
  const step = releaseStep(snapshot, progress, open, by)
  if (step !== undefined) return step
  const kept = new Set(held.map(addressOf))
  const released = [...progress.attempted.keys()].filter((ip) => !kept.has(ip))
  return done({ released, unallocated: [], toCheck: checksAfter(situation, progress) })
}

export const releaseFixedDecision = (
  request: Request,
): Decision<ReleaseProgress, ReleaseOutcome> => ({
  operation: 'releaseFixed',
  start: noProgress,
  decide: (situation, progress): Next => {
    const { snapshot } = situation
    if (request.handleID === '') {
      return left(refuse('InvalidRequest', 'a handle id must not be empty'))
    }
    const counted = countedBlocks(snapshot, [request.handleID])
    const context = notYetRead(snapshot, releaseContext)
    if ('queries' in counted) return right(readMore([...counted.queries, ...context], progress))
    if (context.length > 0) return right(readMore(context, progress))
    const again = rereadDoubted(progress)
    if (again !== undefined) return right(again)
    const attempted = [...progress.attempted.values()].map((one) => one.cidr)
    const cidrs = [...new Set([...counted.cidrs, ...attempted])]
    return right(decideOn(request, cidrs, situation, progress))
  },
})
