/**
 * Rewrites who owns an allocation: the active owner, the alternate one (the target of a virtual
 * machine's migration), or both in one write. A side that is changed may be required to name a
 * certain pod, or nobody, so that two migrations cannot overtake each other. All addresses of one
 * allocation call share one entry, and change together.
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { formatIPAddress, type IPAddress, parseIPAddress } from '../ip/address.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { ordinalOf } from '../ip/ordinal.ts'
import type { OwnerPrecondition, SetOwnerAttributesRequest } from '../ipam.ts'
import type { AllocationAttribute, Block } from '../model/block.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'
import type { KeyValue } from '../ports/datastore.ts'
import { attributeAt, touched } from './block-changes.ts'
import { type Decision, done, readMore, type Step } from './decision.ts'
import { locateBlock } from './locate-block.ts'
import { notYetRead, type Snapshot } from './snapshot.ts'

type Attrs = Readonly<Record<string, string>>
type Update = NonNullable<SetOwnerAttributesRequest['active']>

/** A write was sent: finding what it wrote is success, whatever the preconditions say. */
interface Progress {
  readonly sent: boolean
}
type Decided = Either<Refusal, Step<Progress, void>>

/** JavaScript callers may pass both members of a pair. */
const contradiction = (name: string, update: Update | undefined): Refusal | undefined =>
  update !== undefined && 'set' in update && 'clear' in update
    ? refuse('InvalidRequest', `setting and clearing the ${name} owner are mutually exclusive`)
    : undefined

const updated = (now: Attrs | undefined, update: Update | undefined): Attrs | undefined => {
  if (update === undefined) return now
  return 'set' in update && Object.keys(update.set).length > 0 ? update.set : undefined
}

const sameAttrs = (a: Attrs = {}, b: Attrs = {}): boolean => {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}

const holds = (precondition: OwnerPrecondition | undefined, now: Attrs = {}): boolean => {
  if (precondition === undefined) return true
  if (precondition.tag === 'Empty') return Object.keys(now).length === 0
  const { namespace, name } = precondition
  return Object.hasOwn(now, 'pod') && now.pod === name && now.namespace === namespace
}

/** The first precondition of a side to be updated that does not hold, as a refusal. */
const mismatch = (
  request: SetOwnerAttributesRequest,
  { secondary, alternateOwnerAttrs }: AllocationAttribute,
): Refusal | undefined => {
  const { ip, active, alternate, expectedActive, expectedAlternate } = request
  const isActive = active === undefined || holds(expectedActive, secondary)
  const isAlternate = alternate === undefined || holds(expectedAlternate, alternateOwnerAttrs)
  if (isActive && isAlternate) return undefined
  const side = isActive ? 'alternate' : 'active'
  const message = `update conflict: the ${side} owner of ${ip} is not the expected one`
  return refuse('OwnerMismatch', message, { ip })
}

const withAttribute = (block: Block, index: number, attribute: AllocationAttribute): Block =>
  touched({
    ...block,
    attributes: block.attributes.map((old, i) => (i === index ? attribute : old)),
  })

const withOwners = (
  attribute: AllocationAttribute,
  secondary: Attrs | undefined,
  alternateOwnerAttrs: Attrs | undefined,
): AllocationAttribute => {
  const { secondary: _, alternateOwnerAttrs: __, ...rest } = attribute
  return {
    ...rest,
    ...(secondary === undefined ? {} : { secondary }),
    ...(alternateOwnerAttrs === undefined ? {} : { alternateOwnerAttrs }),
  }
}

const notAssigned = ({ ip, handleID }: SetOwnerAttributesRequest): Refusal =>
  refuse('AddressNotAssigned', `${ip} is not assigned to handle ${handleID}`, { ip })

const inBlock = (
  request: SetOwnerAttributesRequest,
  stored: KeyValue<'Block'>,
  address: IPAddress,
  progress: Progress,
): Decided => {
  const block = stored.value
  const ordinal = ordinalOf(trustedCIDR(block.cidr), address) as number
  const attribute = attributeAt(block, ordinal)
  const holder = sanitizedHandleID(attribute?.handleID ?? '')
  if (attribute === undefined || holder !== sanitizedHandleID(request.handleID)) {
    return left(notAssigned(request))
  }
  const active = updated(attribute.secondary, request.active)
  const alternate = updated(attribute.alternateOwnerAttrs, request.alternate)
  const isThere =
    sameAttrs(active, attribute.secondary) && sameAttrs(alternate, attribute.alternateOwnerAttrs)
  if (isThere && progress.sent) return right(done(undefined))
  const refusal = mismatch(request, attribute)
  if (refusal !== undefined) return left(refusal)
  if (isThere) return right(done(undefined))
  const index = block.allocations[ordinal] as number
  const value = withAttribute(block, index, withOwners(attribute, active, alternate))
  const write = { op: 'update', key: stored.key, value, revision: stored.revision } as const
  return right({
    tag: 'Write',
    writes: [write],
    progress: { sent: true },
    ifConflict: progress,
    ifUnknown: { sent: true },
  })
}

const decideOn = (
  request: SetOwnerAttributesRequest,
  snapshot: Snapshot,
  progress: Progress,
): Decided => {
  const address = parseIPAddress(request.ip)
  if (isLeft(address)) return left(refuse('InvalidRequest', address.left.message))
  if (request.active === undefined && request.alternate === undefined) return right(done(undefined))
  const pools = [{ list: 'IPPool' }] as const
  if (notYetRead(snapshot, pools).length > 0) return right(readMore(pools, progress))
  const located = locateBlock(snapshot, address.right)
  if (located.tag === 'Unread') return right(readMore([located.query], progress))
  const canonical = { ...request, ip: formatIPAddress(address.right) }
  if (located.tag === 'Nowhere') return left(notAssigned(canonical))
  return inBlock(canonical, located.stored, address.right, progress)
}

export const setOwnerAttributesDecision = (
  request: SetOwnerAttributesRequest,
): Decision<Progress, void> => ({
  operation: 'setOwnerAttributes',
  start: { sent: false },
  decide: ({ snapshot }, progress) => {
    const refusal =
      contradiction('active', request.active) ?? contradiction('alternate', request.alternate)
    return refusal ? left(refusal) : decideOn(request, snapshot, progress)
  },
})
