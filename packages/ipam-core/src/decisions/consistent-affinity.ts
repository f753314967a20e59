/**
 * After a release: an empty block goes back when the pool it lies in no longer selects the node that
 * owns it. A pool whose selector matches every node needs no further look, which is nearly always
 * so; only otherwise is the node read.
 */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import type { Refusal } from '../errors.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { ownerOf } from '../model/affinity-text.ts'
import type { IPPool } from '../model/ip-pool.ts'
import type { Key, KeyValue } from '../ports/datastore.ts'
import { isEmpty } from './block-changes.ts'
import { type Cooling, warm } from './block-release.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import {
  type AffinityReleased,
  type ReleaseAffinityProgress,
  releaseBlockAffinityDecision,
} from './release-block-affinity.ts'
import { enabledPools, poolOfCIDR, poolSelectsNode } from './select-pools.ts'
import { getIn, notYetRead } from './snapshot.ts'

/** An empty block whose owner has to be held against its pool's selector. */
export interface AffinityCheck {
  readonly cidr: string
  readonly host: string
  readonly pool: IPPool
}

const selectsEveryNode = (pool: IPPool): boolean =>
  pool.nodeSelector === '' || pool.nodeSelector === 'all()'

/** The check that this block calls for, if any. */
export const affinityCheck = (
  block: KeyValue<'Block'> | undefined,
  pools: ReadonlyArray<IPPool>,
  cooling: Cooling,
): AffinityCheck | undefined => {
  const owner = ownerOf(block?.value.affinity)
  if (block === undefined || owner?.type !== 'host') return undefined
  if (!isEmpty(warm(block.value, cooling))) return undefined
  const { cidr } = block.value
  const pool = poolOfCIDR(enabledPools(pools), trustedCIDR(cidr))
  if (pool === undefined || selectsEveryNode(pool)) return undefined
  return { cidr, host: owner.host, pool }
}

/** Gives the block back if its pool does not select the node; a node that is gone keeps it. */
export const ensureConsistentAffinityDecision = ({
  cidr,
  host,
  pool,
}: AffinityCheck): Decision<ReleaseAffinityProgress, AffinityReleased> => {
  const release = releaseBlockAffinityDecision({
    owner: { type: 'host', host },
    cidr,
    mustBeEmpty: true,
  })
  const node: Key<'Node'> = { kind: 'Node', name: host }
  const decide = (
    situation: Situation,
    progress: ReleaseAffinityProgress,
  ): Either<Refusal, Step<ReleaseAffinityProgress, AffinityReleased>> => {
    const step = release.decide(situation, progress)
    const queries = [{ get: node }] as const
    if (notYetRead(situation.snapshot, queries).length > 0) {
      const along = !isLeft(step) && step.right.tag === 'ReadMore' ? step.right.queries : []
      return right(readMore([...queries, ...along], progress))
    }
    const stored = getIn(situation.snapshot, node)
    const stays = stored === undefined || poolSelectsNode(pool, stored.value.labels)
    return stays ? right(done('Kept')) : step
  }
  return { ...release, operation: 'ensureConsistentAffinity', decide }
}
