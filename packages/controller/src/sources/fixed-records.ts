/** The ConfigMaps that record fixed addresses, found by their label. Data as it stands. */
import { fixedIPRecordLabels } from '@hc-calico/crd-types/harmonycloud'
import type { KubeObject, KubeResource } from './kube-source.ts'

export interface FixedRecordFacts {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  /** The StatefulSet: its full name from the annotation, else the label, which may be cut. */
  readonly set: string
  /** As it stands; read it with `readFixedIPRecord`. */
  readonly data: Readonly<Record<string, unknown>>
  readonly annotations: Readonly<Record<string, string>>
}

interface RecordObject extends KubeObject {
  readonly data?: Readonly<Record<string, unknown>> | null
}

/** By `namespace/name`. */
export const fixedRecordsResource: KubeResource<FixedRecordFacts> = {
  path: '/api/v1/configmaps',
  labelSelector: `${fixedIPRecordLabels.marker}=true`,
  read: (object) => {
    const { metadata = {}, data } = object as RecordObject
    const { name = '', namespace = 'default', uid = '', resourceVersion = '' } = metadata
    const { labels = {}, annotations = {} } = metadata
    const { reference } = fixedIPRecordLabels
    const set = annotations[reference] ?? labels[reference] ?? ''
    const facts = { namespace, name, uid, resourceVersion, set, data: data ?? {}, annotations }
    return [`${namespace}/${name}`, facts]
  },
}
