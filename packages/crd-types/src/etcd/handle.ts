/** A handle in etcd: its ID stands in the key, the value counts addresses per block. */
import { isLeft, right } from 'fp-ts/lib/Either.js'
import { openObject } from '../codecs/open-object.ts'
import { isDeleted, withoutIdleTombstone } from '../documents/block-fields.ts'
import type { DocumentKeys, EtcdDocument } from '../documents/document.ts'
import { carried } from '../documents/resource.ts'
import type { Handle } from '../model.ts'
import { decodeWith } from '../report.ts'
import { blockCounts } from '../v3/ipam-handle.ts'

const fields = openObject({
  required: { block: blockCounts },
  optional: {},
  order: ['block', 'deleted'],
})

export const handle: EtcdDocument<Handle, DocumentKeys['Handle']> = {
  decode: (document, { id }) => {
    const decoded = decodeWith(fields, document)
    if (isLeft(decoded)) return decoded
    const { block: blocks, unknownFields = {} } = decoded.right
    return right({ id, blocks, ...carried(withoutIdleTombstone(unknownFields)) })
  },
  encode: ({ blocks, unknownFields = {} }) =>
    fields.encode({
      block: blocks,
      unknownFields: { ...unknownFields, deleted: isDeleted(unknownFields.deleted) },
    }),
}
