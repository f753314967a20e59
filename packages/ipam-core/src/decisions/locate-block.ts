/**
 * In which block an address lies: the one the caller names, else the one that its pool (disabled or
 * not) is cut into. An address of no pool, because the pool was deleted, may still lie in a block;
 * only then are all blocks of the family listed.
 */
import { bitsOf, type IPAddress } from '../ip/address.ts'
import { blockOf, type CIDR, containsAddress, formatCIDR } from '../ip/cidr.ts'
import type { Key, KeyValue, Query } from '../ports/datastore.ts'
import { poolOfAddress } from './select-pools.ts'
import { getIn, listIn, type Snapshot, wasRead } from './snapshot.ts'

export type Located =
  | { readonly tag: 'In'; readonly stored: KeyValue<'Block'> }
  | { readonly tag: 'Nowhere' }
  /** Not known before this has been read. */
  | { readonly tag: 'Unread'; readonly query: Query }

const blockKey = (cidr: CIDR): Key<'Block'> => ({ kind: 'Block', cidr: formatCIDR(cidr) })

/** Host bits of the largest block: 4096 addresses. */
const hostBitsMax = 12

/** The stored block around an address among everything that has been read. */
const amongRead = (snapshot: Snapshot, address: IPAddress): KeyValue<'Block'> | undefined => {
  for (let hostBits = 0; hostBits <= hostBitsMax; hostBits += 1) {
    const key = blockKey(blockOf(address, bitsOf(address.family) - hostBits))
    const stored = wasRead(snapshot, { get: key }) ? getIn(snapshot, key) : undefined
    if (stored !== undefined) return stored
  }
  return undefined
}

const inOrNowhere = (stored: KeyValue<'Block'> | undefined): Located =>
  stored === undefined ? { tag: 'Nowhere' } : { tag: 'In', stored }

/** Where the address lies. The list of pools must have been read. */
export const locateBlock = (snapshot: Snapshot, address: IPAddress, hint?: CIDR): Located => {
  if (hint !== undefined && containsAddress(hint, address)) {
    const key = blockKey(hint)
    if (!wasRead(snapshot, { get: key })) return { tag: 'Unread', query: { get: key } }
    const hinted = getIn(snapshot, key)
    if (hinted !== undefined) return { tag: 'In', stored: hinted }
  }
  const pools = listIn(snapshot, { list: 'IPPool' }).map((one) => one.value)
  const pool = poolOfAddress(pools, address)
  if (pool !== undefined) {
    const key = blockKey(blockOf(address, pool.blockSize))
    if (!wasRead(snapshot, { get: key })) return { tag: 'Unread', query: { get: key } }
    return inOrNowhere(getIn(snapshot, key))
  }
  const query = { list: 'Block', where: { family: address.family } } as const
  if (!wasRead(snapshot, query)) return { tag: 'Unread', query }
  return inOrNowhere(amongRead(snapshot, address))
}
