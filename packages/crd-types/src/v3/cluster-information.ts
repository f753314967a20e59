/** ClusterInformation `default`: the plugins run only when it says that the datastore is ready. */
import { right } from 'fp-ts/lib/Either.js'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { flag, text } from '../codecs/primitives.ts'
import { present, type ResourceRules } from '../documents/resource.ts'
import type { ClusterInformation } from '../model.ts'

const optional = { clusterGUID: text, calicoVersion: text, datastoreReady: flag }
type Spec = Open<NoFields, typeof optional>

export const clusterInformation: ResourceRules<ClusterInformation, Spec> = {
  kind: 'ClusterInformation',
  spec: openObject({
    required: {},
    optional,
    order: ['clusterGUID', 'clusterType', 'calicoVersion', 'datastoreReady', 'variant'],
  }),
  read: ({ unknownFields: _, ...value }, _name, leftOver) => right({ value, leftOver }),
  write: ({ clusterGUID, calicoVersion, datastoreReady }) => ({
    spec: {
      ...present('clusterGUID', clusterGUID),
      ...present('calicoVersion', calicoVersion),
      ...present('datastoreReady', datastoreReady),
    },
  }),
}
