/** What a collector sees of the blocks: one entry per address that is allocated and not cooling. */
import { type FixedState, fixedStateOf } from '@hc-calico/ipam-core'
import { addressInBlock, trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { Values } from '@hc-calico/ipam-core/ports'

export interface Allocation {
  readonly ip: string
  readonly block: string
  readonly handleID: string
  readonly sequenceNumber: bigint
  readonly attributes: Readonly<Record<string, string>>
  readonly fixed?: FixedState
}

const addresses = new Map<string, ReadonlyArray<string>>()

/** Every address of a block, in order of its ordinals; there are few blocks, and they come again. */
export const addressesOf = ({ cidr, allocations }: Values['Block']): ReadonlyArray<string> => {
  const known = addresses.get(cidr)
  if (known !== undefined) return known
  const block = trustedCIDR(cidr)
  const all = allocations.map((_, ordinal) => addressInBlock(block, ordinal).replace(/\/.*/, ''))
  addresses.set(cidr, all)
  return all
}

export const allocationsIn = (block: Values['Block']): ReadonlyArray<Allocation> =>
  block.allocations.flatMap((index, ordinal): ReadonlyArray<Allocation> => {
    const attribute = index === null ? undefined : block.attributes[index]
    if (attribute?.handleID === undefined) return []
    const attributes = attribute.secondary ?? {}
    const fixed = fixedStateOf(attributes)
    return [
      {
        ip: addressesOf(block)[ordinal] as string,
        block: block.cidr,
        handleID: attribute.handleID,
        sequenceNumber: block.sequenceNumberForAllocation[ordinal] ?? 0n,
        attributes,
        ...(fixed === undefined ? {} : { fixed }),
      },
    ]
  })
