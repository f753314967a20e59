/**
 * Gives back single addresses. A request that names a handle or a sequence number is refused, with
 * all others of the same block, when the allocation is not that one: it belongs to an older owner.
 * An address that is free already, or resting, is success. Other blocks are not affected.
 *
 * Three rounds: where the addresses lie, whose they are, and the writes. Whoever names block and
 * handle saves the first two their own reads.
 */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import type { Refusal } from '../errors.ts'
import { containsAddress, formatCIDR, trustedCIDR } from '../ip/cidr.ts'
import type { ReleaseOptions } from '../ipam.ts'
import type { Query } from '../ports/datastore.ts'
import { type HandleChange, staleEntry } from './block-release.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import { locateBlock } from './locate-block.ts'
import { type Batch, isCounted, type JudgedBatch, judgeBatch } from './release-batch.ts'
import { checksAfter, coolingIn, type ReleaseOutcome, releaseContext } from './release-by-handle.ts'
import {
  isOwed,
  noProgress,
  type ReleaseProgress,
  releaseStep,
  rereadDoubted,
} from './release-progress.ts'
import { parseReleaseOptions, type ReleaseRequest } from './release-request.ts'
import { getIn, notYetRead, type Snapshot, wasRead } from './snapshot.ts'

interface Sorted {
  readonly batches: ReadonlyArray<Batch>
  /** Requests for addresses that lie in no block. */
  readonly nowhere: ReadonlyArray<ReleaseRequest>
  readonly unread: ReadonlyArray<Query>
}

const sortByBlock = (
  snapshot: Snapshot,
  requests: ReadonlyArray<ReleaseRequest>,
  progress: ReleaseProgress,
): Sorted => {
  const batches = new Map<string, Batch>()
  const nowhere: ReleaseRequest[] = []
  const unread: Query[] = []
  for (const request of requests) {
    const known = progress.attempted.get(request.text)
    const hint = known ? trustedCIDR(known.cidr) : request.hint
    const located = locateBlock(snapshot, request.address, hint)
    if (located.tag === 'In') {
      const { cidr } = located.stored.value
      const others = batches.get(cidr)?.requests ?? []
      batches.set(cidr, { stored: located.stored, requests: [...others, request] })
    } else if (located.tag === 'Nowhere' || known !== undefined) nowhere.push(request)
    else unread.push(located.query)
  }
  return { batches: [...batches.values()], nowhere, unread }
}

const firstQueries = (requests: ReadonlyArray<ReleaseRequest>): ReadonlyArray<Query> => {
  const handles = new Set(requests.flatMap(({ handleID }) => handleID ?? []))
  const blocks = new Set(requests.flatMap(({ hint }) => (hint ? formatCIDR(hint) : [])))
  return [
    ...releaseContext,
    ...[...handles].map((id): Query => ({ get: { kind: 'Handle', id } })),
    ...[...blocks].map((cidr): Query => ({ get: { kind: 'Block', cidr } })),
  ]
}

/** The handles that the releases are going to change. */
const handleQueries = (judged: ReadonlyArray<JudgedBatch>): ReadonlyArray<Query> => {
  const changes = judged.flatMap(({ release }) => release?.handleChanges ?? [])
  const ids = new Set(changes.map((change) => change.handleID))
  return [...ids].map((id) => ({ get: { kind: 'Handle', id } }))
}

/** Entries, named or doubted, whose block is known to be gone. */
const orphanedEntries = (
  snapshot: Snapshot,
  nowhere: ReadonlyArray<ReleaseRequest>,
  progress: ReleaseProgress,
): ReadonlyArray<HandleChange> => {
  const named = nowhere.flatMap(({ handleID, address }) => {
    if (handleID === undefined) return []
    const handle = getIn(snapshot, { kind: 'Handle', id: handleID })
    return Object.keys(handle?.value.blocks ?? {})
      .filter((cidr) => containsAddress(trustedCIDR(cidr), address))
      .map((cidr) => ({ handleID, cidr }))
  })
  return [...named, ...progress.suspects].flatMap((entry) => {
    const { handleID, cidr } = entry
    const key = { kind: 'Block', cidr } as const
    const isGone = wasRead(snapshot, { get: key }) && getIn(snapshot, key) === undefined
    const isStale = isGone && isCounted(snapshot, entry) && !isOwed(progress, entry)
    return isStale ? [staleEntry(handleID, cidr)] : []
  })
}

const outcome = (
  situation: Situation,
  progress: ReleaseProgress,
  requests: ReadonlyArray<ReleaseRequest>,
  found: { readonly judged: ReadonlyArray<JudgedBatch>; readonly sorted: Sorted },
): ReleaseOutcome => {
  const { judged, sorted } = found
  const refusal = judged.find((one) => one.refusal !== undefined)?.refusal
  const free = new Set([...sorted.nowhere, ...judged.flatMap((one) => one.free)])
  return {
    released: requests.map((one) => one.text),
    unallocated: requests
      .filter((one) => free.has(one) && !progress.attempted.has(one.text))
      .map((one) => one.text),
    toCheck: checksAfter(situation, progress),
    ...(refusal === undefined ? {} : { refusal }),
  }
}

const decideOn = (
  requests: ReadonlyArray<ReleaseRequest>,
  writesMax: number,
  situation: Situation,
  progress: ReleaseProgress,
): Step<ReleaseProgress, ReleaseOutcome> => {
  const { snapshot } = situation
  const first = firstQueries(requests)
  if (notYetRead(snapshot, first).length > 0) return readMore(first, progress)
  const again = rereadDoubted(progress)
  if (again !== undefined) return again
  const sorted = sortByBlock(snapshot, requests, progress)
  if (sorted.unread.length > 0) return readMore(sorted.unread, progress)
  const cooling = coolingIn(situation)
  const judged = sorted.batches.map((batch) => judgeBatch(snapshot, batch, progress, cooling))
  const handles = handleQueries(judged)
  if (notYetRead(snapshot, handles).length > 0) return readMore(handles, progress)
  const releases = judged.flatMap(({ release }) => release ?? [])
  const orphaned = orphanedEntries(snapshot, sorted.nowhere, progress)
  const step = releaseStep(snapshot, progress, { releases, orphaned }, { ...cooling, writesMax })
  return step ?? done(outcome(situation, progress, requests, { judged, sorted }))
}

/** Releases addresses. The outcome carries the first refusal; everything else has been done. */
export const releaseIPsDecision = (
  options: ReadonlyArray<ReleaseOptions>,
  writesMax: number,
): Decision<ReleaseProgress, ReleaseOutcome> => {
  const requests = parseReleaseOptions(options)
  const decide = (
    situation: Situation,
    progress: ReleaseProgress,
  ): Either<Refusal, Step<ReleaseProgress, ReleaseOutcome>> =>
    isLeft(requests) ? requests : right(decideOn(requests.right, writesMax, situation, progress))
  return { operation: 'releaseIPs', start: noProgress, decide }
}
