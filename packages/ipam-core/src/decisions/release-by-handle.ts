/**
 * Gives back everything a handle holds: what its blocks say, not what it counts. Entries of blocks
 * that are gone or hold nothing of it are removed along the way, so that no handle is left over;
 * blocks that the caller names are looked at even if the handle does not count them.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { formatCIDR, parseCIDRMasked } from '../ip/cidr.ts'
import type { ReleaseResult } from '../ipam.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'
import { defaultIPAMConfig } from '../model/ipam-config.ts'
import type { Key, Query } from '../ports/datastore.ts'
import { ordinalsOfHandle } from './block-changes.ts'
import { type BlockRelease, blockRelease, type Cooling, staleEntry, warm } from './block-release.ts'
import { type AffinityCheck, affinityCheck } from './consistent-affinity.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import {
  isOwed,
  noProgress,
  type OpenRelease,
  type ReleaseProgress,
  releaseStep,
  rereadDoubted,
} from './release-progress.ts'
import { getIn, listIn, notYetRead } from './snapshot.ts'

export interface ReleaseOutcome extends ReleaseResult {
  /** Blocks that became empty and whose owner has to be held against a pool's selector. */
  readonly toCheck: ReadonlyArray<AffinityCheck>
  /** Why part of the request was refused; the rest of it is done. */
  readonly refusal?: Refusal
}

export interface ReleaseByHandleRequest {
  readonly handleID: string
  /** CIDRs of blocks that may hold addresses of the handle; wrong ones do no harm. */
  readonly blockHints?: ReadonlyArray<string>
  readonly writesMax: number
}

const pools = { list: 'IPPool' } as const
const config = { get: { kind: 'IPAMConfig' } } as const
/** What every release reads along with its first objects. */
export const releaseContext: ReadonlyArray<Query> = [config, pools]

export const coolingIn = ({ snapshot, now }: Situation): Cooling => ({
  now,
  cooldownSeconds: (getIn(snapshot, config.get)?.value ?? defaultIPAMConfig).ipCooldownSeconds,
})

/** The checks that the blocks of a finished release call for. */
export const checksAfter = (
  situation: Situation,
  progress: ReleaseProgress,
): ReadonlyArray<AffinityCheck> => {
  const { snapshot } = situation
  const cidrs = new Set([...progress.attempted.values()].map((one) => one.cidr))
  const all = listIn(snapshot, pools).map((one) => one.value)
  return [...cidrs].flatMap(
    (cidr) =>
      affinityCheck(getIn(snapshot, { kind: 'Block', cidr }), all, coolingIn(situation)) ?? [],
  )
}

const canonical = (hints: ReadonlyArray<string>): ReadonlyArray<string> =>
  hints.flatMap((hint) => {
    const cidr = parseCIDRMasked(hint)
    return isLeft(cidr) ? [] : [formatCIDR(cidr.right)]
  })

const blockGets = (cidrs: ReadonlyArray<string>): ReadonlyArray<Query> =>
  cidrs.map((cidr) => ({ get: { kind: 'Block', cidr } }))

/** What the handle holds in these blocks, and which of its entries are stale. */
const openFor = (
  handleKey: Key<'Handle'>,
  cidrs: ReadonlyArray<string>,
  situation: Situation,
  progress: ReleaseProgress,
): OpenRelease => {
  const { snapshot } = situation
  const handleID = handleKey.id
  const cooling = coolingIn(situation)
  const counted = getIn(snapshot, handleKey)?.value.blocks ?? {}
  const releases: BlockRelease[] = []
  const orphaned = []
  for (const cidr of cidrs) {
    const stored = getIn(snapshot, { kind: 'Block', cidr })
    const block = stored && warm(stored.value, cooling)
    const ordinals = block === undefined ? [] : ordinalsOfHandle(block, handleID)
    const isStale =
      ordinals.length === 0 && counted[cidr] !== undefined && !isOwed(progress, { handleID, cidr })
    if (stored !== undefined && ordinals.length > 0) {
      releases.push(blockRelease(stored, ordinals, cooling))
    } else if (isStale && stored !== undefined) {
      releases.push({ stored, ordinals: [], handleChanges: [staleEntry(handleID, cidr)] })
    } else if (isStale) orphaned.push(staleEntry(handleID, cidr))
  }
  return { releases, orphaned }
}

/** Releases a handle. Refuses one that exists neither as an object nor in the blocks named. */
export const releaseByHandleDecision = (
  request: ReleaseByHandleRequest,
): Decision<ReleaseProgress, ReleaseOutcome> => {
  const { writesMax } = request
  const id = sanitizedHandleID(request.handleID)
  const handleKey: Key<'Handle'> = { kind: 'Handle', id }
  const hints = canonical(request.blockHints ?? [])
  const first = [{ get: handleKey }, ...releaseContext, ...blockGets(hints)]
  const decide = (
    situation: Situation,
    progress: ReleaseProgress,
  ): Either<Refusal, Step<ReleaseProgress, ReleaseOutcome>> => {
    const { snapshot } = situation
    if (id === '') return left(refuse('InvalidRequest', 'a handle id must not be empty'))
    if (notYetRead(snapshot, first).length > 0) return right(readMore(first, progress))
    const handle = getIn(snapshot, handleKey)?.value
    const attempted = [...progress.attempted.values()].map((one) => one.cidr)
    const cidrs = [...new Set([...Object.keys(handle?.blocks ?? {}), ...hints, ...attempted])]
    const blocks = blockGets(cidrs)
    if (notYetRead(snapshot, blocks).length > 0) return right(readMore(blocks, progress))
    const again = rereadDoubted(progress)
    if (again !== undefined) return right(again)
    const open = openFor(handleKey, cidrs, situation, progress)
    if (handle === undefined && open.releases.length === 0 && !progress.begun) {
      const message = `resource does not exist: IPAMHandleKey(id=${id})`
      return left(refuse('HandleMissing', message))
    }
    const by = { ...coolingIn(situation), writesMax }
    const step = releaseStep(snapshot, progress, open, by)
    if (step !== undefined) return right(step)
    const released = [...progress.attempted.keys()]
    return right(done({ released, unallocated: [], toCheck: checksAfter(situation, progress) }))
  }
  return { operation: 'releaseByHandle', start: noProgress, decide }
}
