/** Calico's own Node (etcd mode). Address management reads its labels; the rest is carried along. */
import { right } from 'fp-ts/lib/Either.js'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { isRecord } from '../codecs/primitives.ts'
import { labelsAsWritten, omit, type ResourceRules } from '../documents/resource.ts'
import type { CalicoNode, StringMap } from '../model.ts'

export const node: ResourceRules<CalicoNode, Open<NoFields, NoFields>> = {
  kind: 'Node',
  spec: openObject({ required: {}, optional: {} }),
  read: (_spec, { name }, leftOver) => {
    const { labels } = leftOver.metadata
    const value = { name, labels: isRecord(labels) ? (labels as StringMap) : {} }
    return right({ value, leftOver: { ...leftOver, metadata: omit(leftOver.metadata, 'labels') } })
  },
  write: ({ labels }, { metadata }) => ({
    spec: {},
    metadata: { ...metadata, ...labelsAsWritten(labels) },
  }),
}
