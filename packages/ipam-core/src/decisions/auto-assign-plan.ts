/**
 * What one family's part of a request comes down to, once configuration, pools, reservations, node
 * and affinities have been read together: which pools, whose blocks, which limits. Computed once;
 * a change of configuration in the middle of a request takes effect with the next one.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { bitsOf, type IPFamily } from '../ip/address.ts'
import { type CIDR, containsCIDR, trustedCIDR } from '../ip/cidr.ts'
import type { CIDRSet } from '../ip/cidr-set.ts'
import type { AutoAssignRequest, HostReservedAttr } from '../ipam.ts'
import type { Limits } from '../limits.ts'
import type { Owner } from '../model/affinity-text.ts'
import { defaultIPAMConfig, type IPAMConfig } from '../model/ipam-config.ts'
import type { Query } from '../ports/datastore.ts'
import type { AllocationOwner } from './block-changes.ts'
import { type WalkedPool, walkedPool } from './candidate-blocks.ts'
import type { Situation } from './decision.ts'
import { reservedAddresses } from './reserved-addresses.ts'
import { poolOfCIDR, type SelectedPools, selectPools } from './select-pools.ts'
import { getIn, listIn } from './snapshot.ts'

/** The bounds that allocation obeys. */
export type AssignLimits = Pick<Limits, 'blocksPerHostMaxDefault' | 'reclaimAgeMsMin'>

/** `Assign`: so many addresses. `Ensure`: one block of the host's own, with or without room. */
export type Purpose = 'Assign' | 'Ensure'

export interface Plan {
  readonly purpose: Purpose
  readonly family: IPFamily
  readonly owner: Owner
  readonly allocation: AllocationOwner
  readonly numRequested: number
  readonly pools: ReadonlyArray<WalkedPool>
  readonly reserved: CIDRSet
  readonly config: IPAMConfig
  /** Affine blocks of the family that the host may have. */
  readonly blocksMax: number
  /** Addresses of the family that the handle may hold; 0: no limit. */
  readonly handleMax: number
  readonly reclaimAgeMsMin: number
  readonly hostReserved?: HostReservedAttr
  /** Blocks the owner has an affinity for, in the plan's pools, in list order. */
  readonly listed: ReadonlyArray<string>
  /** Blocks of the host in pools that no longer select it: to be given back if empty. */
  readonly outgrown: ReadonlyArray<string>
}

/** Load balancer addresses belong to no node but to one owner for the whole cluster. */
export const ownerOfRequest = (request: Pick<AutoAssignRequest, 'host' | 'intendedUse'>): Owner =>
  request.intendedUse === 'LoadBalancer'
    ? { type: 'virtual', host: 'load-balancer' }
    : { type: 'host', host: request.host }

/** The families a request wants, IPv4 first. */
export const familiesOf = (request: AutoAssignRequest): ReadonlyArray<IPFamily> => {
  const families: IPFamily[] = []
  if ((request.num4 ?? 0) > 0) families.push(4)
  if ((request.num6 ?? 0) > 0) families.push(6)
  return families
}

const affinityList = (request: AutoAssignRequest) => {
  const families = familiesOf(request)
  const family = families.length === 1 ? { family: families[0] as IPFamily } : {}
  return { list: 'BlockAffinity', where: { ...ownerOfRequest(request), ...family } } as const
}

const config = { get: { kind: 'IPAMConfig' } } as const
const pools = { list: 'IPPool' } as const
const reservations = { list: 'IPReservation' } as const

/** Everything that can be asked for at once, before anything is known. */
export const planQueries = (request: AutoAssignRequest): ReadonlyArray<Query> => {
  const node = { get: { kind: 'Node', name: request.host } } as const
  const shared = [config, pools, reservations, affinityList(request)]
  return request.intendedUse === 'LoadBalancer' ? shared : [...shared, node]
}

const isCount = (value: number | undefined): boolean =>
  value === undefined || (Number.isSafeInteger(value) && value >= 0)

/** What is wrong with a request whatever the datastore holds. */
export const validated = (request: AutoAssignRequest): Refusal | undefined => {
  const { num4, num6, maxBlocksPerHost, maxAllocToHandlePerIPVersion } = request
  if (!request.intendedUse) {
    return refuse('UseRequired', 'must specify the intended use when assigning an IP')
  }
  if (request.host === '')
    return refuse('InvalidRequest', 'the host of a request must not be empty')
  if (![num4, num6, maxBlocksPerHost, maxAllocToHandlePerIPVersion].every(isCount)) {
    return refuse('InvalidRequest', 'numbers of a request must be whole and not negative')
  }
  return undefined
}

/** Both limits set: the smaller one; neither: the default. 0 means unset. */
const blocksMaxOf = (ours: IPAMConfig, request: AutoAssignRequest, fallback: number): number => {
  const set = [ours.maxBlocksPerHost, request.maxBlocksPerHost ?? 0].filter((n) => n > 0)
  return set.length === 0 ? fallback : Math.min(...set)
}

/** Affine blocks whose pool is enabled but selects this host no longer. */
const outgrownBlocks = (selected: SelectedPools, affine: ReadonlyArray<CIDR>): boolean[] =>
  affine.map((cidr) => {
    const pool = poolOfCIDR(selected.enabled, cidr)
    return pool !== undefined && !selected.selecting.includes(pool)
  })

const selectedPools = (
  { snapshot }: Situation,
  request: AutoAssignRequest,
  family: IPFamily,
): Either<Refusal, SelectedPools> => {
  const isForNode = request.intendedUse !== 'LoadBalancer'
  const node = isForNode ? getIn(snapshot, { kind: 'Node', name: request.host }) : undefined
  if (isForNode && node === undefined) {
    const message = `resource does not exist: Node(${request.host}) with error: no such node`
    return left(refuse('NodeMissing', message, { host: request.host }))
  }
  const { namespaceLabels } = request
  const hostReserved = family === 4 ? request.hostReservedAttrIPv4s : request.hostReservedAttrIPv6s
  return selectPools({
    pools: listIn(snapshot, pools).map(({ value }) => value),
    family,
    requested: (family === 4 ? request.ipv4Pools : request.ipv6Pools) ?? [],
    use: request.intendedUse,
    host: request.host,
    nodeLabels: node?.value.labels ?? {},
    ...(namespaceLabels === undefined ? {} : { namespaceLabels }),
    ...(hostReserved === undefined ? {} : { hostReserved }),
  })
}

/** Pools as the walk sees them, without those whose blocks the host would keep whole for itself. */
const walkedPools = (
  selected: SelectedPools,
  host: string,
  now: bigint,
  kept: number,
): ReadonlyArray<WalkedPool> =>
  selected.usable
    .map((pool) => walkedPool(trustedCIDR(pool.cidr), pool.blockSize, host, now))
    .filter(({ cidr, blockSize }) => 2 ** (bitsOf(cidr.family) - blockSize) > kept)

/** The plan of one family, or why the request cannot be served. */
export const planOf = (
  situation: Situation,
  request: AutoAssignRequest,
  family: IPFamily,
  limits: AssignLimits,
  purpose: Purpose,
): Either<Refusal, Plan> => {
  const selected = selectedPools(situation, request, family)
  if (isLeft(selected)) return selected
  const { snapshot, now } = situation
  const ipamConfig = getIn(snapshot, { kind: 'IPAMConfig' })?.value ?? defaultIPAMConfig
  const affine = listIn(snapshot, affinityList(request)).map(({ key }) => key.cidr)
  const outgrown = outgrownBlocks(selected.right, affine.map(trustedCIDR))
  const hostReserved = family === 4 ? request.hostReservedAttrIPv4s : request.hostReservedAttrIPv6s
  const kept = (hostReserved?.startOfBlock ?? 0) + (hostReserved?.endOfBlock ?? 0)
  const owner = ownerOfRequest(request)
  const walked = walkedPools(selected.right, owner.host, now, kept)
  return right({
    purpose,
    family,
    owner,
    allocation: {
      ...(request.handleID === undefined ? {} : { handleID: request.handleID }),
      ...(request.attrs === undefined ? {} : { attrs: request.attrs }),
    },
    numRequested: (family === 4 ? request.num4 : request.num6) ?? 0,
    pools: walked,
    reserved: reservedAddresses(listIn(snapshot, reservations).map(({ value }) => value)),
    config: ipamConfig,
    blocksMax: blocksMaxOf(ipamConfig, request, limits.blocksPerHostMaxDefault),
    handleMax: request.handleID === undefined ? 0 : (request.maxAllocToHandlePerIPVersion ?? 0),
    reclaimAgeMsMin: limits.reclaimAgeMsMin,
    ...(hostReserved === undefined ? {} : { hostReserved }),
    listed: affine.filter((cidr) =>
      walked.some((pool) => containsCIDR(pool.cidr, trustedCIDR(cidr))),
    ),
    outgrown: affine.filter((_, i) => outgrown[i]),
  })
}
