/**
 * One particular address. Whoever names an address means it: reservations, selectors, block limits
 * and assignment mode are not consulted, and a block nobody has yet is claimed for the host even
 * under strict affinity. Losing the race for that block is no failure: the block exists now, and
 * the address may be free in it. With a limit per handle, asking again for one's own address is
 * success.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { formatIPAddress, type IPAddress, parseIPAddress } from '../ip/address.ts'
import { blockOf, formatCIDR, trustedCIDR } from '../ip/cidr.ts'
import { emptyCIDRSet } from '../ip/cidr-set.ts'
import { addressInBlock, ordinalOf } from '../ip/ordinal.ts'
import type { AssignIPRequest } from '../ipam.ts'
import type { Block } from '../model/block.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'
import type { IPPool } from '../model/ip-pool.ts'
import { defaultIPAMConfig } from '../model/ipam-config.ts'
import type { KeyValue } from '../ports/datastore.ts'
import { advance } from './advance-hunt.ts'
import { attemptAt, blockBefore } from './allocation-attempt.ts'
import type { Plan } from './auto-assign-plan.ts'
import { attributeAt } from './block-changes.ts'
import { walkedPool } from './candidate-blocks.ts'
import { close, fences } from './credits.ts'
import { type Decision, done, readMore, type Situation, type Step } from './decision.ts'
import {
  affinityAt,
  affinityKey,
  blockAt,
  blockKey,
  type Ground,
  giveUp,
  go,
  type Hunt,
  isMine,
  type Move,
  newHunt,
  stepOf,
  stepTo,
  warm,
  withoutOwn,
} from './hunt.ts'
import { allowsUse, enabledPools, poolOfAddress } from './select-pools.ts'
import { getIn, listIn, notYetRead } from './snapshot.ts'

export interface AssignIPProgress {
  readonly plan?: Plan
  readonly hunt: Hunt
}

type Decided = Either<Refusal, Step<AssignIPProgress, void>>

const pools = { list: 'IPPool' } as const
const config = { get: { kind: 'IPAMConfig' } } as const

const inUse = (ip: string): Refusal =>
  refuse(
    'AddressInUse',
    `resource already exists: ${ip} with error: Address already assigned in block`,
    { ip },
  )

const usablePool = (
  { snapshot }: Situation,
  { intendedUse }: AssignIPRequest,
  address: IPAddress,
): Either<Refusal, IPPool> => {
  const enabled = enabledPools(listIn(snapshot, pools).map(({ value }) => value))
  const pool = poolOfAddress(enabled, address)
  if (pool === undefined) {
    const message = 'The provided IP address is not in a configured pool\n'
    return left(refuse('AddressNotInPool', message))
  }
  if (intendedUse !== undefined && !allowsUse(pool, intendedUse)) {
    const message = `IP address ${formatIPAddress(address)} is in IP pool "${pool.name}", which is not allowed for use "${intendedUse}"`
    return left(refuse('UseNotAllowed', message))
  }
  return right(pool)
}

/** The request as a plan for one address of one pool. */
const planOf = (
  situation: Situation,
  request: AssignIPRequest,
  address: IPAddress,
  pool: IPPool,
): Plan => {
  const { host, handleID, attrs, hostReservedAttr, maxAllocToHandlePerIPVersion } = request
  const isVirtual = request.intendedUse === 'LoadBalancer'
  return {
    purpose: 'Assign',
    family: address.family,
    owner: isVirtual ? { type: 'virtual', host: 'load-balancer' } : { type: 'host', host },
    allocation: {
      ...(handleID === undefined ? {} : { handleID }),
      ...(attrs === undefined ? {} : { attrs }),
    },
    numRequested: 1,
    pools: [walkedPool(trustedCIDR(pool.cidr), pool.blockSize, host, situation.now)],
    reserved: emptyCIDRSet,
    config: getIn(situation.snapshot, config.get)?.value ?? defaultIPAMConfig,
    blocksMax: Number.POSITIVE_INFINITY,
    handleMax: handleID === undefined ? 0 : (maxAllocToHandlePerIPVersion ?? 0),
    reclaimAgeMsMin: Number.POSITIVE_INFINITY,
    ...(hostReservedAttr === undefined ? {} : { hostReserved: hostReservedAttr }),
    listed: [],
    outgrown: [],
  }
}

/** Strict affinity: nobody but the block's owner takes an address from it. */
const affinityObjection = (ground: Ground, block: Block): Refusal | undefined => {
  if (!ground.plan.config.strictAffinity || isMine(ground, block)) return undefined
  return block.affinity === undefined
    ? refuse('AffinityMismatch', `Block ${block.cidr} has no affinity, and strict affinity is on`)
    : refuse('AffinityMismatch', 'Block host affinity does not match')
}

/** In a block that exists. */
const inBlock = (
  ground: Ground,
  hunt: Hunt,
  stored: KeyValue<'Block'>,
  address: IPAddress,
): Move => {
  const { plan } = ground
  const block = warm(ground, stored.value)
  const cidr = trustedCIDR(block.cidr)
  const ordinal = ordinalOf(cidr, address) as number
  const objection = affinityObjection(ground, block)
  if (objection !== undefined) return giveUp(hunt, objection)
  const attribute = attributeAt(block, ordinal)
  if (attribute === undefined) return attemptAt(ground, hunt, { cidr, stored, ordinals: [ordinal] })
  const { handleID } = plan.allocation
  const isOurs =
    plan.handleMax > 0 &&
    handleID !== undefined &&
    sanitizedHandleID(attribute.handleID ?? '') === sanitizedHandleID(handleID)
  if (!isOurs) return giveUp(hunt, inUse(formatIPAddress(address)))
  // A release of whoever gave up the earlier request may not have arrived yet.
  const progress: Hunt = { ...hunt, assigned: [addressInBlock(cidr, ordinal)], stage: 'Finish' }
  const writes = fences(ground, [block.cidr])
  return stepTo({ tag: 'Write', writes, progress, ifConflict: hunt, ifUnknown: hunt })
}

/** In a block that has to be claimed first. */
const inNewBlock = (ground: Ground, hunt: Hunt, address: IPAddress): Move => {
  const pool = ground.plan.pools[0] as Plan['pools'][number]
  const cidr = blockOf(address, pool.blockSize)
  const ordinal = ordinalOf(cidr, address) as number
  const block = blockBefore(ground, { cidr })
  if (attributeAt(block, ordinal) !== undefined) {
    return giveUp(hunt, inUse(formatIPAddress(address)))
  }
  const affinity = affinityAt(ground, ground.plan.owner, block.cidr)
  const claim = affinity.tag === 'Stored' ? { stored: affinity.stored } : {}
  return attemptAt(ground, hunt, { cidr, claim, ordinals: [ordinal] })
}

/** Our affinity of a block that is not ours is stale; one of our block must be confirmed. */
const tidied = (ground: Ground, hunt: Hunt, block: Block): Hunt => {
  const { cidr } = block
  const affinity = affinityAt(ground, ground.plan.owner, cidr)
  if (affinity.tag !== 'Stored' || hunt.alsoOwn.includes(cidr)) return hunt
  const known = { ...hunt, alsoOwn: [...hunt.alsoOwn, cidr] }
  if (isMine(ground, block)) {
    const { state } = affinity.stored.value
    const isPending = state === 'pending' || state === 'pendingDeletion'
    return isPending ? { ...known, chores: [...hunt.chores, { tag: 'Confirm', cidr }] } : known
  }
  return withoutOwn(ground, known, cidr)
}

const stage =
  (address: IPAddress) =>
  (ground: Ground, hunt: Hunt): Move => {
    const { plan } = ground
    const [got] = hunt.assigned
    if (got !== undefined || hunt.stage === 'Finish') {
      const isOther = got !== undefined && got.split('/')[0] !== formatIPAddress(address)
      if (!isOther) return close(ground, hunt)
      const message = `handle ${plan.allocation.handleID} already has IP(s) allocated, cannot assign additional IP ${formatIPAddress(address)} (maxAllocPerIPVersion=${plan.handleMax})`
      return close(ground, { ...hunt, refusal: refuse('HandleLimit', message) })
    }
    const pool = plan.pools[0] as Plan['pools'][number]
    const cidr = formatCIDR(blockOf(address, pool.blockSize))
    const block = blockAt(ground, cidr)
    if (block.tag === 'Unread') {
      const queries = [{ get: blockKey(cidr) }, { get: affinityKey(plan.owner, cidr) }]
      return stepTo(readMore(queries, hunt))
    }
    if (block.tag === 'Absent') return inNewBlock(ground, hunt, address)
    const tidy = tidied(ground, hunt, block.stored.value)
    return tidy === hunt ? inBlock(ground, hunt, block.stored, address) : go(tidy)
  }

const search = (situation: Situation, plan: Plan, hunt: Hunt, address: IPAddress): Decided => {
  const next = advance({ plan, situation }, hunt, stage(address))
  if (next.tag === 'End') {
    return next.hunt.refusal === undefined ? right(done(undefined)) : left(next.hunt.refusal)
  }
  return right(stepOf(next.step, (now) => ({ plan, hunt: now })))
}

/** The decision of `assignIP`. */
export const assignIPDecision = (request: AssignIPRequest): Decision<AssignIPProgress, void> => ({
  operation: 'assignIP',
  start: { hunt: newHunt },
  decide: (situation, progress) => {
    const address = parseIPAddress(request.ip)
    if (isLeft(address)) return left(refuse('InvalidRequest', address.left.message))
    if (request.host === '') {
      return left(refuse('InvalidRequest', 'the host of a request must not be empty'))
    }
    if (progress.plan !== undefined) {
      return search(situation, progress.plan, progress.hunt, address.right)
    }
    const queries = notYetRead(situation.snapshot, [pools, config])
    if (queries.length > 0) return right(readMore(queries, progress))
    const pool = usablePool(situation, request, address.right)
    if (isLeft(pool)) return pool
    const plan = planOf(situation, request, address.right, pool.right)
    return search(situation, plan, progress.hunt, address.right)
  },
})
