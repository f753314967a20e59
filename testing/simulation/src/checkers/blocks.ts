/**
 * At every write of a block: its own laws, a sequence number that grows, nobody robbed who may count
 * on an address, and no address in use again before it has rested.
 */

import { fixedKeys } from '@hc-calico/ipam-core'
import { checkInvariants } from '@hc-calico/ipam-core/fp'
import type { Values } from '@hc-calico/ipam-core/ports'
import { staleMsMax } from '../simulated-process.ts'
import type { Simulation } from '../simulation.ts'
import type { Change } from '../store/simulated-store.ts'
import { addressesOf } from '../traffic/allocations.ts'
import type { Claim } from '../truth/claims.ts'

type Block = Values['Block']
type Attribute = Block['attributes'][number]

/** Two clocks that are wrong by two seconds each, and text in whole seconds. */
const clockSlackMs = 6000

export const attributeOf = (block: Block | undefined, ordinal: number): Attribute | undefined => {
  const index = block?.allocations[ordinal]
  return index === null || index === undefined ? undefined : block?.attributes[index]
}

/** Why this attribute does not stand behind the claim. */
export const claimFault = (claim: Claim, attribute: Attribute | undefined): string | undefined => {
  if (claim.or !== undefined && claimFault(claim.or, attribute) === undefined) return undefined
  if (attribute?.handleID !== claim.handle) {
    return `${claim.holder ?? claim.handle} lost it to ${attribute?.handleID}`
  }
  const holder = attribute.secondary?.[fixedKeys.holder]
  return claim.holder === undefined || claim.holder === holder
    ? undefined
    : `${claim.holder} is no longer its holder, but ${holder}`
}

/** The shortest rest that anybody may have believed in who wrote this. */
const cooldownMs = ({ settings }: Simulation, { writer }: Change): number =>
  1000 *
  Math.min(
    ...settings.config
      .since(writer.startedMs - staleMsMax)
      .map(({ ipCooldownSeconds }) => ipCooldownSeconds),
  )

const restFault = (
  simulation: Simulation,
  change: Change,
  before: Attribute,
  after: Attribute | undefined,
): string | undefined => {
  if (after !== undefined && after.releasedAt === before.releasedAt) return undefined
  const restMs = cooldownMs(simulation, change)
  if (restMs === 0) return undefined
  const { world } = simulation
  if (before.releasedAt === undefined) {
    const isCooling = after?.releasedAt !== undefined
    const isKept = after?.handleID !== undefined
    return isCooling || isKept ? undefined : 'freed without any rest'
  }
  const nowMs = Number(world.scheduler.now / 1_000_000n)
  const restedMs = nowMs - Date.parse(before.releasedAt)
  return restedMs + clockSlackMs < restMs ? `rested for ${restedMs} ms of ${restMs}` : undefined
}

export const judgeBlock = (simulation: Simulation, change: Change): void => {
  if (change.key.kind !== 'Block') return
  const { world, claims } = simulation
  const before = change.before?.value as Block | undefined
  const after = change.after?.value as Block | undefined
  if (after !== undefined) {
    for (const fault of checkInvariants(after)) world.violate('blocks keep their laws', fault)
    if (before !== undefined && after.sequenceNumber <= before.sequenceNumber) {
      const words = `${after.cidr}: ${before.sequenceNumber} -> ${after.sequenceNumber}`
      world.violate('sequence numbers grow', words)
    }
  }
  if (before === undefined) return
  addressesOf(before).forEach((address, ordinal) => {
    const old = attributeOf(before, ordinal)
    const now = attributeOf(after, ordinal)
    if (old === now) return
    const claim = claims.get(address)
    const robbed = claim === undefined ? undefined : claimFault(claim, now)
    if (robbed !== undefined) {
      world.violate('nobody loses an address', `${address}: ${robbed}, by ${change.writer.what}`)
    }
    const unrested = old === undefined ? undefined : restFault(simulation, change, old, now)
    if (unrested !== undefined) {
      world.violate('released addresses rest', `${address}: ${unrested}, by ${change.writer.what}`)
    }
  })
}
