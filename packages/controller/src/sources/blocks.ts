/**
 * Blocks, reduced to who has which address. A block of 64 addresses is some 15 kB of document; what
 * is kept is the rows that decisions look at, with texts that repeat held once.
 */
import { type FixedState, fixedStateOf } from '@hc-calico/ipam-core'
import { addressAt, formatIPAddress, trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { KeyValue, Values } from '@hc-calico/ipam-core/ports'
import type { SeenAllocation } from '../decisions/garbage-model.ts'
import type { DatastoreKind } from './datastore-source.ts'
import type { Intern } from './interned.ts'

/** An allocation as garbage collection sees it, and the epoch where it is a fixed one. */
export interface BlockAllocation extends SeenAllocation {
  readonly ordinal: number
  readonly fixed?: FixedState
}

export interface BlockFacts {
  readonly cidr: string
  /** `host:{node}` or `virtual:{name}`; absent when no one owns it. */
  readonly affinity?: string
  readonly revision: string
  /** Addresses in the block. */
  readonly size: number
  /** How many ordinals are free; those that were released and cool down are not. */
  readonly free: number
  /** Ordinals that cool down. */
  readonly cooling: ReadonlyArray<number>
  /** In order of address. */
  readonly allocations: ReadonlyArray<BlockAllocation>
}

type Block = Values['Block']

/** What an attribute says that nobody here asks for; the time alone is 50 bytes an address. */
const droppedAttributes = new Set(['timestamp'])

const attributesOf = (
  secondary: Readonly<Record<string, string>> = {},
  intern: Intern,
): Readonly<Record<string, string>> => {
  const kept: Record<string, string> = {}
  for (const [key, value] of Object.entries(secondary)) {
    if (droppedAttributes.has(key)) continue
    kept[key] = key === 'node' || key === 'namespace' || key === 'type' ? intern(value) : value
  }
  return kept
}

/** Owners, one object for all the addresses that share an attribute. */
const ownersOf = ({ attributes }: Block, intern: Intern) =>
  attributes.map((attribute) => {
    const fixed = fixedStateOf(attribute.secondary)
    return {
      isCooling: attribute.releasedAt !== undefined,
      handleID: attribute.handleID,
      attributes: attributesOf(attribute.secondary, intern),
      fixed,
    }
  })

const allocationsOf = (block: Block, intern: Intern): ReadonlyArray<BlockAllocation> => {
  const cidr = trustedCIDR(block.cidr)
  const owners = ownersOf(block, intern)
  return block.allocations.flatMap((index, ordinal): ReadonlyArray<BlockAllocation> => {
    const owner = index === null ? undefined : owners[index]
    if (owner === undefined || owner.isCooling) return []
    const { handleID, attributes, fixed } = owner
    return [
      {
        ip: formatIPAddress(addressAt(cidr, ordinal)),
        ordinal,
        sequenceNumber: block.sequenceNumberForAllocation[String(ordinal)] ?? 0n,
        attributes,
        ...(handleID === undefined ? {} : { handleID }),
        ...(fixed === undefined ? {} : { fixed }),
      },
    ]
  })
}

const none: ReadonlyArray<number> = []

const coolingOf = ({ allocations, attributes }: Block): ReadonlyArray<number> => {
  if (!attributes.some(({ releasedAt }) => releasedAt !== undefined)) return none
  return allocations.flatMap((index, ordinal) =>
    index !== null && attributes[index]?.releasedAt !== undefined ? [ordinal] : [],
  )
}

export const blockFacts = (
  { value: block, revision }: Pick<KeyValue<'Block'>, 'value' | 'revision'>,
  intern: Intern,
): BlockFacts => {
  const allocations = allocationsOf(block, intern)
  const size = block.allocations.length
  const free = block.unallocated.length
  return {
    cidr: block.cidr,
    ...(block.affinity === undefined ? {} : { affinity: intern(block.affinity) }),
    revision,
    size,
    free,
    cooling: coolingOf(block),
    allocations,
  }
}

/** By CIDR. */
export const blocksKind = (intern: Intern): DatastoreKind<'Block', BlockFacts> => ({
  kind: 'Block',
  keyOf: ({ cidr }) => cidr,
  keep: (keyValue) => blockFacts(keyValue, intern),
})
