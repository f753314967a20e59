/**
 * Judges the requests for one block. One that names another handle or sequence number than the
 * allocation has is from an older owner: it and the whole batch are refused, nothing is written.
 */
import type { Refusal } from '../errors.ts'
import { refuse } from '../errors.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { ordinalOf } from '../ip/ordinal.ts'
import type { Block } from '../model/block.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'
import type { KeyValue } from '../ports/datastore.ts'
import { attributeAt, ordinalsOfHandle } from './block-changes.ts'
import {
  type BlockRelease,
  blockRelease,
  type Cooling,
  type HandleChange,
  staleEntry,
  warm,
} from './block-release.ts'
import { isOwed, type ReleaseProgress, type SuspectEntry } from './release-progress.ts'
import type { ReleaseRequest } from './release-request.ts'
import { getIn, type Snapshot, wasRead } from './snapshot.ts'

/** The requests for one stored block. */
export interface Batch {
  readonly stored: KeyValue<'Block'>
  readonly requests: ReadonlyArray<ReleaseRequest>
}

export interface JudgedBatch {
  /** Absent when there is nothing to write. */
  readonly release?: BlockRelease
  readonly refusal?: Refusal
  /** Requests whose address was free before we came. */
  readonly free: ReadonlyArray<ReleaseRequest>
}

type Verdict =
  | { readonly tag: 'Release'; readonly ordinal: number }
  | { readonly tag: 'Free' }
  /** Given back by an earlier commit of this operation, as far as anyone can tell. */
  | { readonly tag: 'Gone' }
  | { readonly tag: 'Refused'; readonly refusal: Refusal }

const refused = (refusal: Refusal): Verdict => ({ tag: 'Refused', refusal })

const judge = (block: Block, request: ReleaseRequest, progress: ReleaseProgress): Verdict => {
  const ordinal = ordinalOf(trustedCIDR(block.cidr), request.address) as number
  const attribute = attributeAt(block, ordinal)
  const isHeld = attribute !== undefined && attribute.releasedAt === undefined
  const sequence = block.sequenceNumberForAllocation[String(ordinal)]
  const attempted = progress.attempted.get(request.text)
  if (attempted !== undefined) {
    const isSame =
      isHeld && attribute.handleID === attempted.handleID && sequence === attempted.sequenceNumber
    if (!isSame) return { tag: 'Gone' }
  }
  const { sequenceNumber, handleID, text } = request
  if (sequenceNumber !== undefined && sequenceNumber !== (sequence ?? 0n)) {
    const message = `the given sequence number (${sequenceNumber}) does not match (${sequence ?? 0n}) when attempting to release IP ${text}`
    return refused(refuse('SequenceNumberMismatch', message, { ip: text }))
  }
  if (!isHeld) return { tag: 'Free' }
  const holder = sanitizedHandleID(attribute.handleID ?? '')
  if (handleID !== undefined && handleID !== holder) {
    const message = `the given handle (${handleID}) does not match (${holder}) when attempting to release IP ${text}`
    return refused(refuse('HandleMismatch', message, { ip: text }))
  }
  return { tag: 'Release', ordinal }
}

/** Handles whose entry for the block is to be held against it. */
const suspectsOf = (
  { stored, requests }: Batch,
  progress: ReleaseProgress,
): ReadonlyArray<SuspectEntry> => {
  const { cidr } = stored.value
  const named = requests.flatMap(({ handleID }) => (handleID === undefined ? [] : [handleID]))
  const doubted = progress.suspects.filter((one) => one.cidr === cidr)
  const ids = new Set([...named, ...doubted.map((one) => one.handleID)])
  return [...ids].map((handleID) => ({ handleID, cidr }))
}

/** Whether the handle is known to have an entry for a block. */
export const isCounted = (snapshot: Snapshot, { handleID, cidr }: SuspectEntry): boolean => {
  const key = { kind: 'Handle', id: handleID } as const
  const handle = wasRead(snapshot, { get: key }) ? getIn(snapshot, key)?.value : undefined
  return handle?.blocks[cidr] !== undefined
}

/**
 * The change that makes the entry count what the block holds: of any suspect that holds nothing there,
 * and of one whose count is in doubt because of us. One that gives up addresses now is looked at again
 * after that.
 */
const repairOf = (
  snapshot: Snapshot,
  progress: ReleaseProgress,
  block: Block,
  { handleID, cidr }: SuspectEntry,
): HandleChange | undefined => {
  if (!isCounted(snapshot, { handleID, cidr }) || isOwed(progress, { handleID, cidr }))
    return undefined
  const held = ordinalsOfHandle(block, handleID).length
  if (held === 0) return staleEntry(handleID, cidr)
  const isDoubted = progress.suspects.some((one) => one.handleID === handleID && one.cidr === cidr)
  const surplus =
    (getIn(snapshot, { kind: 'Handle', id: handleID })?.value.blocks[cidr] ?? 0) - held
  if (!isDoubted || surplus <= 0) return undefined
  return { handleID, cidr, released: surplus, remaining: held }
}

/** What the requests for one block come down to. */
export const judgeBatch = (
  snapshot: Snapshot,
  batch: Batch,
  progress: ReleaseProgress,
  cooling: Cooling,
): JudgedBatch => {
  const { stored, requests } = batch
  const block = warm(stored.value, cooling)
  const verdicts = requests.map((request) => judge(block, request, progress))
  const refusal = verdicts.find((verdict) => verdict.tag === 'Refused')?.refusal
  if (refusal !== undefined) return { refusal, free: [] }
  const free = requests.filter((_, i) => verdicts[i]?.tag === 'Free')
  const ordinals = verdicts.flatMap((one) => (one.tag === 'Release' ? [one.ordinal] : []))
  const release = blockRelease(stored, ordinals, cooling)
  const isReleasing = ({ handleID }: SuspectEntry): boolean =>
    release.handleChanges.some((change) => change.handleID === handleID)
  const repairs = suspectsOf(batch, progress)
    .filter((entry) => !isReleasing(entry))
    .flatMap((entry) => repairOf(snapshot, progress, block, entry) ?? [])
  if (ordinals.length === 0 && repairs.length === 0) return { free }
  return { free, release: { ...release, handleChanges: [...release.handleChanges, ...repairs] } }
}
