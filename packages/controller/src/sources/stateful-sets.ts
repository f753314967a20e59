/** StatefulSets of `apps`, and of OpenKruise where its API is served: they have the same fields. */
import { reservedOrdinals, type SetSize } from '../decisions/fixed-set.ts'
import type { KubeObject, KubeResource } from './kube-source.ts'

export interface StatefulSetFacts extends SetSize {
  readonly apiVersion: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly isTerminating: boolean
  /** The set's own annotations of ours (`...harmonycloud.cn`): retention policy and the like. */
  readonly annotations: Readonly<Record<string, string>>
  /** Those of its pod template. */
  readonly templateAnnotations: Readonly<Record<string, string>>
}

interface SetObject extends KubeObject {
  readonly spec?: {
    readonly replicas?: number
    readonly ordinals?: { readonly start?: number }
    readonly reserveOrdinals?: unknown
    readonly template?: {
      readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }
    }
  }
}

const isOurs = (key: string): boolean =>
  key.includes('harmonycloud.cn') || key === 'serviceIPPoolcrd'

const ours = (
  annotations: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => isOurs(key)))

export const readSet =
  (apiVersion: string) =>
  (object: KubeObject): readonly [string, StatefulSetFacts] => {
    const { metadata = {}, spec = {} } = object as SetObject
    const { name = '', namespace = 'default', uid = '' } = metadata
    const facts = {
      apiVersion,
      namespace,
      name,
      uid,
      replicas: spec.replicas ?? 1,
      firstOrdinal: spec.ordinals?.start ?? 0,
      reserved: reservedOrdinals(spec.reserveOrdinals),
      isTerminating: metadata.deletionTimestamp !== undefined,
      annotations: ours(metadata.annotations),
      templateAnnotations: ours(spec.template?.metadata?.annotations),
    }
    return [`${namespace}/${name}`, facts]
  }

/** By `namespace/name`. */
export const statefulSetsResource: KubeResource<StatefulSetFacts> = {
  path: '/apis/apps/v1/statefulsets',
  read: readSet('apps/v1'),
}

export const kruiseSetsResource: KubeResource<StatefulSetFacts> = {
  path: '/apis/apps.kruise.io/v1beta1/statefulsets',
  isOptional: true,
  read: readSet('apps.kruise.io/v1beta1'),
}
