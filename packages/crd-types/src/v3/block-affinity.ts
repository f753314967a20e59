/**
 * BlockAffinity of both API groups. `deleted` is a boolean in projectcalico.org/v3 and, by an old
 * mistake kept for compatibility, a string in crd.projectcalico.org/v1; readers take either. A
 * missing or empty type means host.
 */
import { right } from 'fp-ts/lib/Either.js'
import { cidr } from '../codecs/cidr.ts'
import { type Open, openObject } from '../codecs/open-object.ts'
import { isRecord, oneOf, text } from '../codecs/primitives.ts'
import { affinityLabels, isAffinityLabel } from '../documents/affinity-labels.ts'
import { isDeleted, withoutIdleTombstone } from '../documents/block-fields.ts'
import { omit, type ResourceRules } from '../documents/resource.ts'
import type { BlockAffinity, UnknownFields } from '../model.ts'

export const affinityState = oneOf('pending', 'confirmed', 'pendingDeletion', '')

const required = { state: affinityState, node: text, cidr }
const optional = { type: oneOf('host', 'virtual', '') }
type Spec = Open<typeof required, typeof optional>

/** The three labels are written anew each time, so they are not carried along. */
const withoutOwnLabels = (metadata: UnknownFields): UnknownFields => {
  if (!isRecord(metadata.labels)) return metadata
  const labels = Object.entries(metadata.labels).filter(([key]) => !isAffinityLabel(key))
  const rest = omit(metadata, 'labels')
  return labels.length === 0 ? rest : { ...rest, labels: Object.fromEntries(labels) }
}

const withOwnLabels = (metadata: UnknownFields, affinity: BlockAffinity): UnknownFields => {
  const others = isRecord(metadata.labels) ? metadata.labels : {}
  return { ...metadata, labels: { ...others, ...affinityLabels(affinity) } }
}

export const blockAffinity = (deletedAs: (deleted: boolean) => unknown) => {
  const rules: ResourceRules<BlockAffinity, Spec> = {
    kind: 'BlockAffinity',
    spec: openObject({ required, optional, order: ['state', 'node', 'type', 'cidr', 'deleted'] }),
    read: ({ state, node: host, type, cidr }, _name, { metadata, spec, ...rest }) =>
      right({
        value: { type: type || 'host', host, cidr, state },
        leftOver: {
          ...rest,
          metadata: withoutOwnLabels(metadata),
          spec: withoutIdleTombstone(spec),
        },
      }),
    write: (affinity, { metadata, spec }) => ({
      metadata: withOwnLabels(metadata, affinity),
      spec: {
        state: affinity.state,
        node: affinity.host,
        type: affinity.type,
        cidr: affinity.cidr,
        unknownFields: { ...spec, deleted: deletedAs(isDeleted(spec.deleted)) },
      },
    }),
  }
  return rules
}
