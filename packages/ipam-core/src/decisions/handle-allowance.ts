/**
 * How many addresses a handle may hold. A handle that holds enough already gets them as the answer:
 * that is how a replayed request gets back what it had. Their blocks are rewritten before: whoever
 * gave up the earlier request may have sent a release that has not arrived yet. A handle that counts more
 * than its blocks hold was left by a request that died between its two writes; the surplus becomes
 * credit of this request.
 */
import { bitsOf, formatIPAddress } from '../ip/address.ts'
import { containsCIDR, trustedCIDR } from '../ip/cidr.ts'
import { addressAt, addressInBlock } from '../ip/ordinal.ts'
import type { Handle } from '../model/handle.ts'
import type { KeyValue } from '../ports/datastore.ts'
import { ordinalsOfHandle } from './block-changes.ts'
import { creditedIn, fences, withoutCredits } from './credits.ts'
import { readAgain } from './decision.ts'
import { blocksOfHandle, handleCount, handleWrite } from './handle-changes.ts'
import {
  blockAt,
  blockKey,
  type Credit,
  type Ground,
  go,
  type Hunt,
  type Move,
  stepTo,
  stillWanted,
  storedHandle,
} from './hunt.ts'

interface HeldInBlock {
  /** Addresses as /32 or /128 that this request did not take itself. */
  readonly found: ReadonlyArray<string>
  /** What the handle counts beyond what the block holds. */
  readonly surplus: Credit
}

const heldInBlock = (ground: Ground, hunt: Hunt, handle: Handle, cidr: string): HeldInBlock => {
  const known = blockAt(ground, cidr)
  const ordinals = known.tag === 'Stored' ? ordinalsOfHandle(known.stored.value, handle.id) : []
  const block = trustedCIDR(cidr)
  const credited = creditedIn(hunt, cidr)
  const foreign = ordinals.filter((o) => !hunt.assigned.includes(addressInBlock(block, o)))
  return {
    found: foreign
      .map((o) => `${formatIPAddress(addressAt(block, o))}/${bitsOf(block.family)}`)
      .filter((address) => !hunt.assigned.includes(address)),
    surplus: { cidr, count: (handle.blocks[cidr] ?? 0) - credited - ordinals.length },
  }
}

/** On to `next`, once no release that was sent before can take what was found; else once more. */
const fenced = (
  ground: Ground,
  { heldAt: _, ...again }: Hunt,
  next: Hunt,
  found: ReadonlyArray<string>,
): Move => {
  const handle = storedHandle(ground, ground.plan.allocation.handleID)?.value
  const cidrs = Object.keys(handle?.blocks ?? {}).filter((cidr) =>
    found.some((address) => containsCIDR(trustedCIDR(cidr), trustedCIDR(address))),
  )
  const writes = fences(ground, cidrs)
  if (writes.length === 0) return go(next)
  return stepTo({ tag: 'Write', writes, progress: next, ifConflict: again, ifUnknown: again })
}

/**
 * Where commits are not atomic, what is counted too much in a block that is there is taken out first,
 * together with a rewrite of the block. Using it would leave the handle as it is, and another request
 * that means to use it, here or by counting elsewhere, would not notice.
 */
const returnSurplus = (
  ground: Ground,
  { heldAt: _, ...again }: Hunt,
  handle: KeyValue<'Handle'>,
  surplus: ReadonlyArray<Credit>,
): Move | undefined => {
  if (ground.situation.capabilities.atomicCommit === true) return undefined
  const there = surplus.filter(({ cidr }) => blockAt(ground, cidr).tag === 'Stored')
  const write = handleWrite(handle, withoutCredits(handle.value, there))
  if (there.length === 0 || write === undefined) return undefined
  const blocks = fences(
    ground,
    there.map(({ cidr }) => cidr),
  )
  const writes = [...blocks, write]
  return stepTo({ tag: 'Write', writes, progress: again, ifConflict: again, ifUnknown: again })
}

/**
 * What the handle holds, taken into account; undefined when all of it is. Looked at each time: a server
 * that stores nothing where nothing is different does not tell by the handle's version that another
 * request has used a count for an address.
 */
const accountedFor = (ground: Ground, hunt: Hunt, handle: KeyValue<'Handle'>): Move | undefined => {
  const blocks = blocksOfHandle(handle.value, ground.plan.family)
  const held = blocks.map((cidr) => heldInBlock(ground, hunt, handle.value, cidr))
  const found = held.flatMap((one) => one.found).slice(0, stillWanted(ground, hunt))
  const surplus = held.map((one) => one.surplus).filter(({ count }) => count > 0)
  if (found.length + surplus.length === 0) return undefined
  const returned = returnSurplus(ground, hunt, handle, surplus)
  if (returned !== undefined) return returned
  const next: Hunt = {
    ...hunt,
    assigned: [...hunt.assigned, ...found],
    credits: [...hunt.credits, ...surplus],
  }
  if (stillWanted(ground, next) > 0) return fenced(ground, hunt, next, found)
  const { refusal: _, ...satisfied } = next
  return fenced(ground, hunt, { ...satisfied, stage: 'Finish', messages: [] }, found)
}

/**
 * The move that must come before another address is taken for the handle; undefined when nothing
 * stands in the way, as far as the handle is known.
 */
export const handleAllowance = (ground: Ground, hunt: Hunt): Move | undefined => {
  const { handleMax, numRequested, family, allocation } = ground.plan
  const handle = storedHandle(ground, allocation.handleID)
  if (handleMax === 0 || handle === undefined) return undefined
  const credited = hunt.credits.reduce((sum, { count }) => sum + count, 0)
  const foreign = handleCount(handle.value, family) - credited - hunt.assigned.length
  if (foreign <= 0 || foreign + numRequested <= handleMax) return undefined
  if (hunt.heldAt !== handle.revision) {
    const queries = blocksOfHandle(handle.value, family).map((cidr) => ({ get: blockKey(cidr) }))
    return stepTo(readAgain(queries, { ...hunt, heldAt: handle.revision }))
  }
  return accountedFor(ground, hunt, handle)
}
