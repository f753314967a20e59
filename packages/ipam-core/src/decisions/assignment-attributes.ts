/** Who holds an address, and what was written down with it. */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { formatIPAddress, type IPAddress, parseIPAddress } from '../ip/address.ts'
import { blockOf, formatCIDR, trustedCIDR } from '../ip/cidr.ts'
import { ordinalOf } from '../ip/ordinal.ts'
import type { AssignmentAttributes } from '../ipam.ts'
import type { AllocationAttribute } from '../model/block.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'
import { attributeAt } from './block-changes.ts'
import { warm } from './block-release.ts'
import { type Decision, done, readMore } from './decision.ts'
import { coolingIn, releaseContext } from './release-by-handle.ts'
import { enabledPools, poolOfAddress } from './select-pools.ts'
import { getIn, listIn, notYetRead, type Snapshot } from './snapshot.ts'

const described = (attribute: AllocationAttribute): AssignmentAttributes => {
  const { handleID, secondary, alternateOwnerAttrs } = attribute
  return {
    ...(handleID === undefined ? {} : { handleID: sanitizedHandleID(handleID) }),
    attrs: secondary ?? {},
    ...(alternateOwnerAttrs === undefined ? {} : { alternateOwnerAttrs }),
  }
}

/** The block the address would lie in, by its pool; refuses an address of no enabled pool. */
export const blockInPool = (snapshot: Snapshot, address: IPAddress): Either<Refusal, string> => {
  const pools = listIn(snapshot, { list: 'IPPool' }).map((one) => one.value)
  const pool = poolOfAddress(enabledPools(pools), address)
  const ip = formatIPAddress(address)
  return pool === undefined
    ? left(refuse('AddressNotInPool', `${ip} is not in a configured and enabled pool`, { ip }))
    : right(formatCIDR(blockOf(address, pool.blockSize)))
}

export const assignmentAttributesDecision = (
  text: string,
): Decision<undefined, AssignmentAttributes> => ({
  operation: 'getAssignmentAttributes',
  start: undefined,
  decide: (situation) => {
    const { snapshot } = situation
    const address = parseIPAddress(text)
    if (isLeft(address)) return left(refuse('InvalidRequest', address.left.message))
    const ip = formatIPAddress(address.right)
    if (notYetRead(snapshot, releaseContext).length > 0) {
      return right(readMore(releaseContext, undefined))
    }
    const cidr = blockInPool(snapshot, address.right)
    if (isLeft(cidr)) return cidr
    const key = { kind: 'Block', cidr: cidr.right } as const
    if (notYetRead(snapshot, [{ get: key }]).length > 0) {
      return right(readMore([{ get: key }], undefined))
    }
    const stored = getIn(snapshot, key)
    if (stored === undefined) {
      const message = `resource does not exist: BlockKey(cidr=${cidr.right})`
      return left(refuse('AddressNotAssigned', message, { ip }))
    }
    const block = warm(stored.value, coolingIn(situation))
    const ordinal = ordinalOf(trustedCIDR(block.cidr), address.right) as number
    const attribute = attributeAt(block, ordinal)
    if (attribute === undefined) {
      const message = `resource does not exist: ${ip} with error: IP is unassigned`
      return left(refuse('AddressNotAssigned', message, { ip }))
    }
    return attribute.releasedAt === undefined
      ? right(done(described(attribute)))
      : left(refuse('AddressCoolingDown', `address ${ip} is in cooldown`, { ip }))
  },
})
