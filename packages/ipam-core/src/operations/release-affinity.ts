/**
 * Gives back blocks: a host's, a pool's, one. Each block is a decision of its own, started from what
 * was read of all of them together, so that a block that cannot go does not keep the others.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import {
  blocksInside,
  blocksOfHostInside,
  blocksOfOwner,
  type OwnedBlock,
} from '../decisions/owned-blocks.ts'
import { blockOwnerDecision, isNothingToRelease } from '../decisions/release-affinity.ts'
import { releaseBlockAffinityDecision } from '../decisions/release-block-affinity.ts'
import { emptySnapshot, type Snapshot, withCurrent } from '../decisions/snapshot.ts'
import type { IPAMError } from '../errors.ts'
import type { AffinityOwner, ReleaseBlockAffinityOptions } from '../ipam.ts'
import type { Key, Query } from '../ports/datastore.ts'
import { keyText } from '../ports/key-text.ts'
import type { Deps } from './deps.ts'
import { readSnapshot } from './read-snapshot.ts'
import { runDecision } from './run-decision.ts'

/** How a release of many blocks went: best effort, with the last failure that matters. */
interface Swept {
  /** Blocks that turned out to be somebody else's. */
  readonly conflicts: number
  readonly error?: IPAMError
}

interface SweepOptions extends ReleaseBlockAffinityOptions {
  /** Stop at the first block that cannot go. */
  readonly stopAtError?: boolean
}

const keysOf = ({ owner, cidr }: OwnedBlock): ReadonlyArray<Key> => [
  { kind: 'BlockAffinity', ...owner, cidr },
  { kind: 'Block', cidr },
  { kind: 'IPAMConfig' },
]

/** The part of a snapshot that one block's decision needs. */
const startFor = (snapshot: Snapshot, keys: ReadonlyArray<Key>): Snapshot =>
  withCurrent(
    emptySnapshot,
    keys.map((key) => ({ key, found: snapshot.objects.get(keyText(key)) })),
  )

const isIgnorable = (error: IPAMError): boolean =>
  error.family === 'refusal' && isNothingToRelease(error.refusal)

/** One portion of blocks: one read for all of them, then one decision each. */
const sweepPortion = async (
  deps: Deps,
  operation: string,
  owned: ReadonlyArray<OwnedBlock>,
  options: SweepOptions,
): Promise<Swept> => {
  const queries = owned.flatMap(keysOf).map((key) => ({ get: key }) as Query)
  const snapshot = await readSnapshot(deps, operation, queries)()
  if (isLeft(snapshot)) return { conflicts: 0, error: snapshot.left }
  let swept: Swept = { conflicts: 0 }
  for (const one of owned) {
    const { mustBeEmpty, mustBeStale = false } = options
    const request = { ...one, mustBeEmpty, mustBeStale }
    const decision = { ...releaseBlockAffinityDecision(request), operation }
    const result = await runDecision(deps, decision, startFor(snapshot.right, keysOf(one)))()
    if (!isLeft(result)) continue
    if (isIgnorable(result.left)) swept = { ...swept, conflicts: swept.conflicts + 1 }
    else swept = { ...swept, error: result.left }
    if (swept.error && options.stopAtError) return swept
  }
  return swept
}

const sweep = async (
  deps: Deps,
  operation: string,
  owned: ReadonlyArray<OwnedBlock>,
  options: SweepOptions,
): Promise<Swept> => {
  const size = deps.limits.writesPerCommitMax
  let total: Swept = { conflicts: 0 }
  for (let at = 0; at < owned.length; at += size) {
    const swept = await sweepPortion(deps, operation, owned.slice(at, at + size), options)
    total = { ...total, ...swept, conflicts: total.conflicts + swept.conflicts }
    if (swept.error && options.stopAtError) return total
  }
  return total
}

const ended = ({ error }: Swept): Either<IPAMError, void> =>
  error === undefined ? right(undefined) : left(error)

/** The host's blocks inside a CIDR; the first one that cannot go ends it. */
export const releaseAffinity =
  (
    deps: Deps,
    cidr: string,
    host: string,
    options: { readonly mustBeEmpty: boolean },
  ): TaskEither<IPAMError, void> =>
  async () => {
    const operation = 'releaseAffinity'
    const owned = await runDecision(deps, blocksOfHostInside(operation, cidr, host))()
    if (isLeft(owned)) return owned
    return ended(await sweep(deps, operation, owned.right, { ...options, stopAtError: true }))
  }

/** All blocks of an owner, both families; fails with the last error that matters. */
export const releaseHostAffinities =
  (
    deps: Deps,
    owner: AffinityOwner,
    options: { readonly mustBeEmpty: boolean },
  ): TaskEither<IPAMError, void> =>
  async () => {
    const operation = 'releaseHostAffinities'
    const owned = await runDecision(deps, blocksOfOwner(operation, owner))()
    return isLeft(owned) ? owned : ended(await sweep(deps, operation, owned.right, options))
  }

/** All blocks inside a pool, on every host; again while blocks changed hands meanwhile. */
export const releasePoolAffinities =
  (deps: Deps, poolCIDR: string): TaskEither<IPAMError, void> =>
  async () => {
    const operation = 'releasePoolAffinities'
    for (let round = 0; round < deps.limits.retryAttemptsMax; round += 1) {
      const owned = await runDecision(deps, blocksInside(operation, poolCIDR))()
      if (isLeft(owned)) return owned
      const swept = await sweep(deps, operation, owned.right, { mustBeEmpty: false })
      if (swept.error !== undefined || swept.conflicts === 0) return ended(swept)
    }
    return right(undefined)
  }

/** One block, whoever owns it. No owner, no block: success. */
export const releaseBlockAffinity =
  (
    deps: Deps,
    blockCIDR: string,
    options: ReleaseBlockAffinityOptions,
  ): TaskEither<IPAMError, void> =>
  async () => {
    const owned = await runDecision(deps, blockOwnerDecision(blockCIDR))()
    if (isLeft(owned)) return owned
    if (owned.right === undefined) return right(undefined)
    return ended(await sweep(deps, 'releaseBlockAffinity', [owned.right], options))
  }
