/**
 * A block affinity in etcd: whose it is stands in the key, the value has only the state. A value
 * of no bytes or without a state is legacy data, which the block loader counts as confirmed.
 */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import { inOrder, openObject } from '../codecs/open-object.ts'
import { isDeleted, withoutIdleTombstone } from '../documents/block-fields.ts'
import type { DocumentKeys, EtcdDocument } from '../documents/document.ts'
import { carried } from '../documents/resource.ts'
import type { BlockAffinity } from '../model.ts'
import { decodeWith } from '../report.ts'
import { affinityState } from '../v3/block-affinity.ts'

const fields = openObject({ required: {}, optional: { state: affinityState } })

export const blockAffinity: EtcdDocument<BlockAffinity, DocumentKeys['BlockAffinity']> = {
  decode: (document, { type, host, cidr }) => {
    const decoded = decodeWith(fields, document === undefined ? {} : document)
    if (isLeft(decoded)) return decoded
    const { state = '', unknownFields = {} } = decoded.right
    const rest = carried(withoutIdleTombstone(unknownFields))
    return right({ type, host, cidr, state, ...rest })
  },
  encode: ({ state, unknownFields = {} }) =>
    inOrder({ ...unknownFields, state, deleted: isDeleted(unknownFields.deleted) }, [
      'state',
      'deleted',
    ]),
}
