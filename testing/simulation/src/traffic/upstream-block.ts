/** Calico's edits of a block, written once more and apart from ours, so that the two can disagree. */
import { addressInBlock, trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { Values } from '@hc-calico/ipam-core/ports'

export type Block = Values['Block']
export type Attribute = Block['attributes'][number]

/** Drops attributes nobody refers to and renumbers the others. */
const compacted = (block: Block): Block => {
  const used = block.attributes.map((_, i) => block.allocations.includes(i))
  const places = used.map((_, i) => used.slice(0, i).filter(Boolean).length)
  return {
    ...block,
    attributes: block.attributes.filter((_, i) => used[i]),
    allocations: block.allocations.map((i) => (i === null ? null : (places[i] as number))),
  }
}

const freed = (block: Block, ordinals: ReadonlyArray<number>): Block => ({
  ...block,
  allocations: block.allocations.map((one, o) => (ordinals.includes(o) ? null : one)),
  unallocated: [...block.unallocated, ...ordinals],
  sequenceNumberForAllocation: Object.fromEntries(
    Object.entries(block.sequenceNumberForAllocation).filter(
      ([o]) => !ordinals.includes(Number(o)),
    ),
  ),
})

export const ordinalsWhere = (
  block: Block,
  wanted: (attribute: Attribute, ordinal: number) => boolean,
): number[] =>
  block.allocations.flatMap((index, ordinal) =>
    index !== null && wanted(block.attributes[index] as Attribute, ordinal) ? [ordinal] : [],
  )

/** Frees what was released strictly before the cooldown began. */
export const collectCold = (block: Block, now: bigint, cooldownSeconds: number): Block => {
  const before = Number(now / 1_000_000n) - cooldownSeconds * 1000
  const isCold = ({ releasedAt }: Attribute) =>
    releasedAt !== undefined && (cooldownSeconds === 0 || Date.parse(releasedAt) < before)
  const cold = ordinalsWhere(block, isCold)
  return cold.length === 0 ? block : compacted(freed(block, cold))
}

export const firstFree = (block: Block): number | undefined => block.unallocated[0]

export const withAllocation = (
  block: Block,
  ordinal: number,
  attribute: Attribute,
): { readonly block: Block; readonly address: string } => ({
  address: addressInBlock(trustedCIDR(block.cidr), ordinal).replace(/\/.*/, ''),
  block: {
    ...block,
    allocations: block.allocations.map((one, o) => (o === ordinal ? block.attributes.length : one)),
    attributes: [...block.attributes, attribute],
    unallocated: block.unallocated.filter((one) => one !== ordinal),
    sequenceNumber: block.sequenceNumber + 1n,
    sequenceNumberForAllocation: {
      ...block.sequenceNumberForAllocation,
      [ordinal]: block.sequenceNumber,
    },
  },
})

/** These are free, or cool down from now on. */
export const withoutOrdinals = (
  block: Block,
  ordinals: ReadonlyArray<number>,
  now: bigint,
  cooldownSeconds: number,
): Block => {
  const releasedAt = new Date(Number(now / 1_000_000n)).toISOString().replace(/\.\d+/, '')
  const cooling = block.attributes.length
  const marked = compacted({
    ...block,
    allocations: block.allocations.map((one, o) => (ordinals.includes(o) ? cooling : one)),
    attributes: [...block.attributes, { releasedAt }],
    sequenceNumber: block.sequenceNumber + 1n,
    sequenceNumberForAllocation: {
      ...block.sequenceNumberForAllocation,
      ...Object.fromEntries(ordinals.map((o) => [o, block.sequenceNumber])),
    },
  })
  return collectCold(marked, now, cooldownSeconds)
}
