/**
 * Fixed allocations: addresses that belong to an identity, not to a container. The allocation stands
 * in the block under a handle of the identity's own, so every allocator on the datastore respects
 * it. Its attributes say who holds it now, since which epoch, and on which node. They never name a
 * pod by the keys that upstream's leak collection looks at (`pod`, `namespace`): an allocation
 * without those is of unknown source to it and stays. `node` is there only while somebody holds the
 * address, because Felix routes borrowed addresses by it, and a node is not cleaned up while it is
 * named anywhere.
 */

import type { Instant } from '../ports/clock.ts'

type Attrs = Readonly<Record<string, string>>

/** Attribute keys of our own. */
export const fixedKeys = {
  identity: 'ipam.harmonycloud.cn/fixed',
  holder: 'ipam.harmonycloud.cn/holder',
  epoch: 'ipam.harmonycloud.cn/epoch',
} as const

/** One incarnation of an identity: a container, and the node it is on. */
export interface FixedHolder {
  readonly id: string
  readonly node: string
}

/** What the attributes of a fixed allocation say. Without a holder it is parked. */
export interface FixedState {
  readonly identity: string
  /** Grows by one with every new holder, from what `firstEpoch` says. */
  readonly epoch: number
  readonly holder?: FixedHolder
}

/**
 * The epoch of an identity that holds nothing yet: milliseconds since 1970. An epoch of an identity
 * must never come again, also after all its addresses were released: whoever slept through that
 * would take the new ones for those it saw. New holders come more slowly than milliseconds.
 */
export const firstEpoch = (now: Instant): number => Number(now / 1_000_000n)

/** Undefined for an allocation that is not fixed; an epoch that cannot be read is 0. */
export const fixedStateOf = (attrs: Attrs = {}): FixedState | undefined => {
  const { [fixedKeys.identity]: identity, [fixedKeys.holder]: id, node = '' } = attrs
  if (identity === undefined) return undefined
  const epoch = Number(attrs[fixedKeys.epoch] ?? '0')
  return {
    identity,
    epoch: Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0,
    ...(id === undefined ? {} : { holder: { id, node } }),
  }
}

/** The attributes of a state. */
export const fixedAttrs = ({ identity, epoch, holder }: FixedState): Attrs => ({
  [fixedKeys.identity]: identity,
  [fixedKeys.epoch]: String(epoch),
  ...(holder === undefined ? {} : { [fixedKeys.holder]: holder.id, node: holder.node }),
})
