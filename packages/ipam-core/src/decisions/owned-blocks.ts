/**
 * Which affinities an operation over many blocks is about: those of a host, those inside a CIDR,
 * or both. Only the selection; giving each of them back is a decision of its own, so that one block
 * that cannot go does not keep the others.
 */
import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import { refuse } from '../errors.ts'
import type { IPFamily } from '../ip/address.ts'
import { type CIDR, containsCIDR, parseCIDRMasked } from '../ip/cidr.ts'
import type { Owner } from '../model/affinity-text.ts'
import type { KeyValue } from '../ports/datastore.ts'
import { poolForBlocks } from './claim-affinity.ts'
import { type Decision, done, readMore } from './decision.ts'
import { listIn, notYetRead } from './snapshot.ts'

/** One affinity to be given back. */
export interface OwnedBlock {
  readonly owner: Owner
  readonly cidr: string
}

const ownedBlock = ({ value }: KeyValue<'BlockAffinity'>): OwnedBlock => ({
  owner: { type: value.type, host: value.host },
  cidr: value.cidr,
})

const isInside = (outer: CIDR, { cidr }: OwnedBlock): boolean => {
  const inner = parseCIDRMasked(cidr)
  return !isLeft(inner) && containsCIDR(outer, inner.right)
}

/** Every block the owner has an affinity for, both families. */
export const blocksOfOwner = (
  operation: string,
  { type, host }: Owner,
): Decision<undefined, ReadonlyArray<OwnedBlock>> => {
  const query = { list: 'BlockAffinity', where: { type, host } } as const
  return {
    operation,
    start: undefined,
    decide: ({ snapshot }) => {
      if (host === '') return left(refuse('InvalidRequest', 'the host must not be empty'))
      return notYetRead(snapshot, [query]).length > 0
        ? right(readMore([query], undefined))
        : right(done(listIn(snapshot, query).map(ownedBlock)))
    },
  }
}

/** Every affinity inside the CIDR, whoever has it. */
export const blocksInside = (
  operation: string,
  text: string,
): Decision<undefined, ReadonlyArray<OwnedBlock>> => ({
  operation,
  start: undefined,
  decide: ({ snapshot }) => {
    const outer = parseCIDRMasked(text)
    if (isLeft(outer)) return left(refuse('InvalidRequest', outer.left.message))
    const query = { list: 'BlockAffinity', where: { family: outer.right.family } } as const
    if (notYetRead(snapshot, [query]).length > 0) return right(readMore([query], undefined))
    const owned = listIn(snapshot, query).map(ownedBlock)
    return right(done(owned.filter((one) => isInside(outer.right, one))))
  },
})

/** The host's blocks inside a CIDR, which must be at least one block of an enabled pool. */
export const blocksOfHostInside = (
  operation: string,
  text: string,
  host: string,
): Decision<undefined, ReadonlyArray<OwnedBlock>> => {
  const pools = { list: 'IPPool' } as const
  const listOf = (family: IPFamily) =>
    ({ list: 'BlockAffinity', where: { type: 'host', host, family } }) as const
  return {
    operation,
    start: undefined,
    decide: ({ snapshot }) => {
      const masked = parseCIDRMasked(text)
      if (isLeft(masked)) return left(refuse('InvalidRequest', masked.left.message))
      const query = listOf(masked.right.family)
      if (notYetRead(snapshot, [pools, query]).length > 0) {
        return right(readMore([pools, query], undefined))
      }
      const all = listIn(snapshot, pools).map((one) => one.value)
      const pool = poolForBlocks(all, masked.right)
      if (isLeft(pool)) return pool
      const owned = listIn(snapshot, query).map(ownedBlock)
      return right(done(owned.filter((one) => isInside(masked.right, one))))
    },
  }
}
