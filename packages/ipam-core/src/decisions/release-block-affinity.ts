/**
 * Gives back one block of one owner: an empty block goes, one with addresses loses its owner and
 * keeps them until they are released. Where commits are not atomic the affinity says
 * `pendingDeletion` first, so that routing stops announcing the block before it changes; a process
 * that dies in between leaves what the next release, or the host's next claim, completes.
 *
 * An affinity without a block, and a block that names an owner without an affinity, are such
 * remains, and are cleared too. Upstream leaves the first for ever.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { affinityText, type Owner } from '../model/affinity-text.ts'
import type { Block } from '../model/block.ts'
import { defaultIPAMConfig } from '../model/ipam-config.ts'
import type { KeyValue, Write } from '../ports/datastore.ts'
import { isEmpty, touched, withoutAffinity } from './block-changes.ts'
import { storeOrDelete, warm } from './block-release.ts'
import { type Decision, done, readAgain, readMore, type Situation, type Step } from './decision.ts'
import { getIn, notYetRead } from './snapshot.ts'

export interface ReleaseAffinityRequest {
  readonly owner: Owner
  /** Canonical CIDR of the block. */
  readonly cidr: string
  /** Refuse a block that has allocations other than a Windows host's own. */
  readonly mustBeEmpty: boolean
  /** Leave a block whose owner has an affinity for it. */
  readonly mustBeStale?: boolean
  /** Refuse a block that has been written since it was seen with this sequence number. */
  readonly sequenceNumber?: bigint
}

/** `Absent`: there was nothing to give back. `Kept`: the owner has a right to it. */
export type AffinityReleased = 'Released' | 'Absent' | 'Kept'

export interface ReleaseAffinityProgress {
  /** Something has been written: what is missing now is missing because of us. */
  readonly begun: boolean
  /** The pair has to be read again: what the snapshot holds of it may not belong together. */
  readonly mustReread: boolean
  /** The pair has been read again since it was first seen. */
  readonly isReread: boolean
  /** The block has been rewritten so that the affinity may be confirmed again. */
  readonly isFenced?: boolean
  /** The block turned out to be somebody else's: the refusal that follows the affinity's removal. */
  readonly refusal?: Refusal
}

type Progress = ReleaseAffinityProgress
type Decided = Either<Refusal, Step<Progress, AffinityReleased>>

interface Pair {
  readonly affinity: KeyValue<'BlockAffinity'> | undefined
  readonly block: KeyValue<'Block'> | undefined
}

const start: Progress = { begun: false, mustReread: false, isReread: false }

const write = (writes: ReadonlyArray<Write>, progress: Progress, before: Progress): Decided =>
  right({
    tag: 'Write',
    writes,
    progress,
    ifConflict: { ...before, mustReread: true },
    ifPartial: () => ({ ...before, begun: true, mustReread: true }),
    ifUnknown: { ...before, begun: true },
  })

const deletion = ({ key, revision }: KeyValue<'BlockAffinity'>): Write => ({
  op: 'delete',
  key,
  revision,
})

/** Why the block must stay as it is, or undefined. */
const objection = (block: Block, request: ReleaseAffinityRequest): Refusal | undefined => {
  const { cidr, sequenceNumber, mustBeEmpty } = request
  if (sequenceNumber !== undefined && block.sequenceNumber !== sequenceNumber) {
    const message = `block '${cidr}' has changed: its sequence number is ${block.sequenceNumber}, not ${sequenceNumber}`
    return refuse('SequenceNumberMismatch', message)
  }
  if (mustBeEmpty && !isEmpty(block)) {
    return refuse('BlockNotEmpty', `block '${cidr}' is not empty`)
  }
  return undefined
}

/**
 * The block stays after all: an affinity that we marked is confirmed again; then the refusal. Somebody
 * else may be taking the block at this moment: so first the affinity gets another state than the mark,
 * and the block another version; then, with the affinity unchanged since, it is confirmed.
 */
const giveUp = (
  { affinity, block }: Pair,
  refusal: Refusal,
  { isFenced = false, ...progress }: Progress,
): Decided => {
  const state = affinity?.value.state
  const isOurs = progress.begun && (state === 'pendingDeletion' || state === 'pending')
  if (affinity === undefined || block === undefined || !isOurs) return left(refusal)
  const put = (next: 'pending' | 'confirmed'): Write => {
    const { key, value, revision } = affinity
    return { op: 'update', key, value: { ...value, state: next }, revision }
  }
  if (isFenced) return write([put('confirmed')], { ...progress, refusal }, progress)
  const { key, value, revision } = block
  const fence: Write = { op: 'update', key, value: touched(value), revision }
  const unmark = state === 'pendingDeletion' ? [put('pending')] : []
  return write([...unmark, fence], { ...progress, isFenced: true }, progress)
}

/** The block is another owner's: our affinity, if any, is stale and goes; then the refusal. */
const claimedByOther = (
  affinity: Pair['affinity'],
  refusal: Refusal,
  progress: Progress,
): Decided =>
  affinity === undefined
    ? left(refusal)
    : write([deletion(affinity)], { ...progress, begun: true, refusal }, progress)

/** The writes that give back a block which is the owner's, or nobody's. */
const giveBack = (pair: Pair, block: Block, situation: Situation, progress: Progress): Decided => {
  const { affinity, block: stored } = pair
  const isOwned = block.affinity !== undefined
  const blockWrites =
    stored !== undefined && (isOwned || isEmpty(block))
      ? [storeOrDelete(stored, withoutAffinity(block))]
      : []
  const begun = { ...progress, begun: true }
  if (affinity === undefined) return write(blockWrites, begun, progress)
  const isOneCommit =
    situation.capabilities.atomicCommit === true || affinity.value.state === 'pendingDeletion'
  if (isOneCommit) return write([...blockWrites, deletion(affinity)], begun, progress)
  const { key, value, revision } = affinity
  const pending = { ...value, state: 'pendingDeletion' } as const
  return write([{ op: 'update', key, value: pending, revision }, ...blockWrites], begun, progress)
}

const pairQueriesOf = ({ owner, cidr }: ReleaseAffinityRequest) =>
  [{ get: { kind: 'BlockAffinity', ...owner, cidr } }, { get: { kind: 'Block', cidr } }] as const

const decideOn = (
  request: ReleaseAffinityRequest,
  pair: Pair,
  situation: Situation,
  progress: Progress,
): Decided => {
  const { affinity, block: stored } = pair
  if (progress.refusal !== undefined) return left(progress.refusal)
  if (affinity !== undefined && request.mustBeStale === true) return right(done('Kept'))
  if (stored === undefined) {
    if (affinity === undefined) return right(done(progress.begun ? 'Released' : 'Absent'))
    return write([deletion(affinity)], { ...progress, begun: true }, progress)
  }
  const config = getIn(situation.snapshot, { kind: 'IPAMConfig' })?.value ?? defaultIPAMConfig
  const cooldownSeconds = config.ipCooldownSeconds
  const block = warm(stored.value, { now: situation.now, cooldownSeconds })
  const owner = affinityText(request.owner)
  if (block.affinity !== undefined && block.affinity !== owner) {
    const message = `${request.cidr} already claimed by ${block.affinity}`
    return claimedByOther(affinity, refuse('BlockClaimedByOther', message), progress)
  }
  if (block.affinity === undefined) {
    if (affinity !== undefined) return giveBack(pair, block, situation, progress)
    return right(done(progress.begun ? 'Released' : 'Absent'))
  }
  if (affinity === undefined && !progress.isReread) {
    // Perhaps claimed between the two reads: an owner's affinity always comes before its block.
    return right(readAgain(pairQueriesOf(request), { ...progress, isReread: true }))
  }
  const refusal = objection(block, request)
  return refusal ? giveUp(pair, refusal, progress) : giveBack(pair, block, situation, progress)
}

/** Gives back the block of one owner. Refuses a block of another owner, or one that must stay. */
export const releaseBlockAffinityDecision = (
  request: ReleaseAffinityRequest,
): Decision<Progress, AffinityReleased> => {
  const pairQueries = pairQueriesOf(request)
  const queries = [...pairQueries, { get: { kind: 'IPAMConfig' } }] as const
  return {
    operation: 'releaseBlockAffinity',
    start,
    decide: (situation, progress) => {
      const { snapshot } = situation
      if (notYetRead(snapshot, queries).length > 0) return right(readMore(queries, progress))
      if (progress.mustReread) {
        return right(readAgain(pairQueries, { ...progress, mustReread: false, isReread: true }))
      }
      const [affinity, block] = pairQueries
      const pair = { affinity: getIn(snapshot, affinity.get), block: getIn(snapshot, block.get) }
      return decideOn(request, pair, situation, progress)
    },
  }
}
