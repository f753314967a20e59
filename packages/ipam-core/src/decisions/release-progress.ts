/**
 * The memory of a release between its commits, and the next commit: all blocks, then the handles
 * that counted them, in as few commits as their size allows. What one commit wrote of the blocks
 * before it stopped is owed to the handles by the next. After an unknown outcome, and for a handle that
 * somebody else has written meanwhile, nothing is owed (it may have been paid: whoever finds a handle
 * that counts too much puts it right); the entries in question are suspects, to be held against
 * their blocks.
 */
import { formatIPAddress } from '../ip/address.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { addressAt } from '../ip/ordinal.ts'
import type { Query, Write } from '../ports/datastore.ts'
import { attributeAt } from './block-changes.ts'
import {
  type BlockRelease,
  blockWrite,
  type Cooling,
  type HandleChange,
  handleWrites,
} from './block-release.ts'
import { readAgain, type Step } from './decision.ts'
import type { Snapshot } from './snapshot.ts'

/** An allocation that a commit gave back, or may have given back. */
export interface AttemptedRelease {
  readonly cidr: string
  readonly handleID: string | undefined
  readonly sequenceNumber: bigint | undefined
}

/** A handle entry that may count what is no longer there. */
export interface SuspectEntry {
  readonly handleID: string
  readonly cidr: string
}

export interface ReleaseProgress {
  /** A commit has been sent: what is missing now may be missing because of us. */
  readonly begun: boolean
  /** By address. */
  readonly attempted: ReadonlyMap<string, AttemptedRelease>
  readonly owed: ReadonlyArray<HandleChange>
  readonly suspects: ReadonlyArray<SuspectEntry>
  /** The blocks of the suspects have to be read after their handles. */
  readonly mustReread?: boolean
}

export const noProgress: ReleaseProgress = {
  begun: false,
  attempted: new Map(),
  owed: [],
  suspects: [],
}

/** What is left to write, as of now. */
export interface OpenRelease {
  readonly releases: ReadonlyArray<BlockRelease>
  /** Stale entries of blocks that are gone. */
  readonly orphaned: ReadonlyArray<HandleChange>
}

/** Whether the entry is owed a change already. */
export const isOwed = (progress: ReleaseProgress, { handleID, cidr }: SuspectEntry): boolean =>
  progress.owed.some((one) => one.handleID === handleID && one.cidr === cidr)

const withAttempts = (
  progress: ReleaseProgress,
  releases: ReadonlyArray<BlockRelease>,
): ReleaseProgress => {
  const attempted = new Map(progress.attempted)
  for (const { stored, ordinals } of releases) {
    const block = stored.value
    const cidr = trustedCIDR(block.cidr)
    for (const ordinal of ordinals) {
      attempted.set(formatIPAddress(addressAt(cidr, ordinal)), {
        cidr: block.cidr,
        handleID: attributeAt(block, ordinal)?.handleID,
        sequenceNumber: block.sequenceNumberForAllocation[String(ordinal)],
      })
    }
  }
  return { ...progress, attempted, begun: true }
}

const byDifference = ({ handleID, cidr, released }: HandleChange): HandleChange => ({
  handleID,
  cidr,
  released,
})

interface Commit {
  readonly blocks: ReadonlyArray<BlockRelease>
  readonly handles: ReadonlyArray<Write<'Handle'>>
  /** What the handle writes pay: all of it, or (no handle writes) what will be owed. */
  readonly changes: ReadonlyArray<HandleChange>
}

/** What is owed once the first `applied` writes of the commit have been made. */
const owedAfter = ({ blocks, handles, changes }: Commit, applied: number) => {
  const blocksLeft = new Set(blocks.slice(applied).map(({ stored }) => stored.value.cidr))
  const handlesDone = handles.slice(0, Math.max(0, applied - blocks.length))
  const paid = new Set(handlesDone.map(({ key }) => key.id))
  return changes
    .filter(({ cidr, handleID, released }) => {
      return released > 0 && !blocksLeft.has(cidr) && !paid.has(handleID)
    })
    .map(byDifference)
}

/** What was to be paid is to be held against the blocks instead. */
const doubted = (
  progress: ReleaseProgress,
  unpaid: ReadonlyArray<HandleChange>,
): ReleaseProgress => {
  const suspects = [...progress.suspects, ...unpaid]
  return { ...progress, owed: [], suspects, mustReread: suspects.length > 0 }
}

/** The read that must come before suspects are held against their blocks. */
export const rereadDoubted = (
  progress: ReleaseProgress,
): Step<ReleaseProgress, never> | undefined => {
  if (progress.mustReread !== true) return undefined
  const cidrs = new Set(progress.suspects.map(({ cidr }) => cidr))
  const blocks = [...cidrs].map((cidr): Query => ({ get: { kind: 'Block', cidr } }))
  return readAgain(blocks, { ...progress, mustReread: false })
}

/** As much as fits: handles go with the last blocks. */
const nextCommit = (
  snapshot: Snapshot,
  progress: ReleaseProgress,
  { releases, orphaned }: OpenRelease,
  writesMax: number,
): Commit => {
  const changesOf = (blocks: ReadonlyArray<BlockRelease>): ReadonlyArray<HandleChange> => [
    ...progress.owed,
    ...blocks.flatMap((one) => one.handleChanges),
  ]
  const changes = [...changesOf(releases), ...orphaned]
  const handles = handleWrites(snapshot, changes)
  if (releases.length + handles.length <= writesMax) return { blocks: releases, handles, changes }
  const blocks = releases.slice(0, writesMax)
  if (blocks.length > 0) return { blocks, handles: [], changes: changesOf(blocks) }
  const first = handles.slice(0, writesMax)
  return { blocks: [], handles: first, changes }
}

/** The next commit of the release; undefined when there is nothing left to write. */
export const releaseStep = (
  snapshot: Snapshot,
  progress: ReleaseProgress,
  open: OpenRelease,
  by: Cooling & { readonly writesMax: number },
): Step<ReleaseProgress, never> | undefined => {
  const commit = nextCommit(snapshot, progress, open, by.writesMax)
  const { blocks, handles, changes } = commit
  const writes = [...blocks.map((one) => blockWrite(one, by)), ...handles]
  if (writes.length === 0) return undefined
  const sent = withAttempts(progress, blocks)
  return {
    tag: 'Write',
    writes,
    progress: { ...sent, owed: owedAfter(commit, writes.length) },
    ifConflict: handles.length > 0 ? doubted(progress, progress.owed) : progress,
    ifPartial: (applied) => {
      const unpaid = owedAfter(commit, applied)
      return applied < blocks.length ? { ...sent, owed: unpaid } : doubted(sent, unpaid)
    },
    ifUnknown: doubted(sent, changes),
  }
}
