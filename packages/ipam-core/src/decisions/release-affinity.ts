/**
 * Takes a block away from whoever owns it, by the block's own word: the owner need not be known.
 */
import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import { type Refusal, refuse } from '../errors.ts'
import { formatCIDR, parseCIDR } from '../ip/cidr.ts'
import { type Owner, ownerOf } from '../model/affinity-text.ts'
import { type Decision, done, readMore } from './decision.ts'
import { getIn, notYetRead } from './snapshot.ts'

/** Who owns a block, and its canonical CIDR; undefined for a block of nobody, or no block. */
export const blockOwnerDecision = (
  text: string,
): Decision<undefined, { readonly owner: Owner; readonly cidr: string } | undefined> => ({
  operation: 'releaseBlockAffinity',
  start: undefined,
  decide: ({ snapshot }) => {
    const parsed = parseCIDR(text)
    if (isLeft(parsed)) return left(refuse('InvalidRequest', parsed.left.message))
    const cidr = formatCIDR(parsed.right)
    const key = { kind: 'Block', cidr } as const
    if (notYetRead(snapshot, [{ get: key }]).length > 0) {
      return right(readMore([{ get: key }], undefined))
    }
    const owner = ownerOf(getIn(snapshot, key)?.value.affinity)
    return right(done(owner && { owner, cidr }))
  },
})

/** Whether a release of many blocks may pass over this refusal: there is nothing of ours to free. */
export const isNothingToRelease = (refusal: Refusal): boolean =>
  refusal.tag === 'BlockClaimedByOther'
