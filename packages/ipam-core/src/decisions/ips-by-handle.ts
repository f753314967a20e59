/** The addresses a handle holds, as its blocks say: in order of block, then of address. */
import { left, right } from 'fp-ts/lib/Either.js'
import { refuse } from '../errors.ts'
import { formatIPAddress } from '../ip/address.ts'
import { trustedCIDR } from '../ip/cidr.ts'
import { addressAt } from '../ip/ordinal.ts'
import { sanitizedHandleID } from '../model/handle-id.ts'
import { ordinalsOfHandle } from './block-changes.ts'
import { type Decision, done, readMore } from './decision.ts'
import { getIn, notYetRead, type Snapshot } from './snapshot.ts'

/** By family, then by number: text order would put 10.0.0.64 before 10.0.0.8. */
const inOrder = (a: string, b: string): number => {
  const [one, other] = [trustedCIDR(a), trustedCIDR(b)]
  if (one.family !== other.family) return one.family - other.family
  return one.base < other.base ? -1 : 1
}

const addressesIn = (snapshot: Snapshot, cidr: string, handleID: string): string[] => {
  const stored = getIn(snapshot, { kind: 'Block', cidr })
  const block = trustedCIDR(cidr)
  const ordinals = stored === undefined ? [] : ordinalsOfHandle(stored.value, handleID)
  return ordinals.map((ordinal) => formatIPAddress(addressAt(block, ordinal)))
}

export const ipsByHandleDecision = (handle: string): Decision<undefined, ReadonlyArray<string>> => {
  const id = sanitizedHandleID(handle)
  const key = { kind: 'Handle', id } as const
  return {
    operation: 'ipsByHandle',
    start: undefined,
    decide: ({ snapshot }) => {
      if (id === '') return left(refuse('InvalidRequest', 'a handle id must not be empty'))
      const first = [{ get: key }]
      if (notYetRead(snapshot, first).length > 0) return right(readMore(first, undefined))
      const stored = getIn(snapshot, key)
      if (stored === undefined) {
        const message = `resource does not exist: IPAMHandleKey(id=${id})`
        return left(refuse('HandleMissing', message))
      }
      const cidrs = Object.keys(stored.value.blocks).sort(inOrder)
      const blocks = cidrs.map((cidr) => ({ get: { kind: 'Block', cidr } }) as const)
      if (notYetRead(snapshot, blocks).length > 0) return right(readMore(blocks, undefined))
      return right(done(cidrs.flatMap((cidr) => addressesIn(snapshot, cidr, id))))
    },
  }
}
