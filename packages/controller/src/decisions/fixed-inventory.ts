/**
 * The fixed addresses that the blocks hold, by identity. The blocks are the truth; whose pod and
 * whose set an identity is, its words say (`{namespace}/StatefulSet/{set}/{pod}`), because a handle
 * may be a digest.
 */
import type { FixedHolder, FixedState } from '@hc-calico/ipam-core'

/** A block, as far as it is read here. */
export interface BlockWithFixed {
  readonly allocations: ReadonlyArray<{
    readonly ip: string
    readonly handleID?: string
    readonly sequenceNumber: bigint
    /** There for an address that belongs to an identity. */
    readonly fixed?: FixedState
  }>
}

export interface IdentityNames {
  readonly namespace: string
  readonly set: string
  readonly pod: string
  readonly ordinal: number
}

export interface FixedAddress {
  readonly ip: string
  readonly family: 4 | 6
  readonly sequenceNumber: bigint
  readonly epoch: number
}

export interface FixedIdentity extends IdentityNames {
  readonly handleID: string
  readonly text: string
  /** Newest epoch first. */
  readonly addresses: ReadonlyArray<FixedAddress>
  readonly epoch: number
  /** Undefined while parked. */
  readonly holder?: FixedHolder
}

export const identityText = (namespace: string, set: string, pod: string): string =>
  `${namespace}/StatefulSet/${set}/${pod}`

/** Undefined for words that are not those of a set's pod: nobody here may judge such an address. */
export const identityNames = (text: string): IdentityNames | undefined => {
  const [namespace, kind, set, pod, ...more] = text.split('/')
  if (!namespace || kind !== 'StatefulSet' || !set || !pod || more.length > 0) return undefined
  const ordinal = pod.startsWith(`${set}-`) ? pod.slice(set.length + 1) : ''
  if (!/^(0|[1-9]\d{0,14})$/.test(ordinal)) return undefined
  return { namespace, set, pod, ordinal: Number(ordinal) }
}

interface Found {
  readonly handleID: string
  readonly state: FixedState
  readonly address: FixedAddress
}

const foundIn = ({ allocations }: BlockWithFixed): ReadonlyArray<Found> =>
  allocations.flatMap(({ ip, handleID, sequenceNumber, fixed: state }): ReadonlyArray<Found> => {
    if (handleID === undefined || state === undefined) return []
    const family = ip.includes(':') ? 6 : 4
    return [{ handleID, state, address: { ip, family, sequenceNumber, epoch: state.epoch } }]
  })

const identityOf = (handleID: string, found: ReadonlyArray<Found>): FixedIdentity | undefined => {
  const newest = found.toSorted((a, b) => b.state.epoch - a.state.epoch)
  const [first] = newest
  const names = first && identityNames(first.state.identity)
  if (first === undefined || names === undefined) return undefined
  // One that took over a part before it was interrupted holds all: never take from the living.
  const holder = newest.find(({ state }) => state.holder !== undefined)?.state.holder
  return {
    ...names,
    handleID,
    text: first.state.identity,
    addresses: newest.map(({ address }) => address),
    epoch: first.state.epoch,
    ...(holder === undefined ? {} : { holder }),
  }
}

/** By handle. */
export const fixedInventory = (
  blocks: Iterable<BlockWithFixed>,
): ReadonlyMap<string, FixedIdentity> => {
  const byHandle = new Map<string, Found[]>()
  for (const block of blocks) {
    for (const found of foundIn(block)) {
      const others = byHandle.get(found.handleID)
      if (others === undefined) byHandle.set(found.handleID, [found])
      else others.push(found)
    }
  }
  const identities = new Map<string, FixedIdentity>()
  for (const [handleID, found] of byHandle) {
    const identity = identityOf(handleID, found)
    if (identity !== undefined) identities.set(handleID, identity)
  }
  return identities
}
