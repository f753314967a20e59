/**
 * ServiceIPPool (harmonycloud.cn/v1alpha1): a service is bound to a list of pools that can change
 * without a rolling update. Group, kind and the four spellings of the lists are those of the first
 * HC-Calico, whose users have such objects; the status is new. Disabled beats enabled and means
 * drain: nothing new from that pool, running pods keep their addresses.
 */
import { type Either, left, right } from 'fp-ts/lib/Either.js'
import { type NoFields, type Open, openObject } from '../codecs/open-object.ts'
import { passThrough } from '../codecs/pass-through.ts'
import { list, oneOf, text, wholeNumber } from '../codecs/primitives.ts'
import { rfc3339 } from '../codecs/rfc3339.ts'
import type { APITarget } from '../documents/document.ts'
import { forTarget, present, type ResourceRules, resource } from '../documents/resource.ts'
import type { UnknownFields } from '../model.ts'
import { decodeWith } from '../report.ts'
import type { ServiceIPPool } from './model.ts'

const optional = {
  ipv4poolList: list(text),
  disabledIPv4PoolList: list(text),
  ipv6poolList: list(text),
  disabledIPv6PoolList: list(text),
}
type Spec = Open<NoFields, typeof optional>

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER)

const counts = { total: count, used: count, free: count }
const member = passThrough({ name: text, state: text }, { ...counts, held: count, reason: text })
const condition = passThrough(
  {
    type: text,
    status: oneOf('True', 'False', 'Unknown'),
    reason: text,
    message: text,
    lastTransitionTime: rfc3339,
  },
  { observedGeneration: count },
)
const status = passThrough(
  {},
  { ...counts, observedGeneration: count, members: list(member), conditions: list(condition) },
)

const rules: ResourceRules<ServiceIPPool, Spec> = {
  kind: 'ServiceIPPool',
  spec: openObject({ required: {}, optional }),
  read: (spec, { name, namespace = 'default' }, leftOver) => {
    const value = {
      namespace,
      name,
      ipv4Pools: spec.ipv4poolList ?? [],
      disabledIPv4Pools: spec.disabledIPv4PoolList ?? [],
      ipv6Pools: spec.ipv6poolList ?? [],
      disabledIPv6Pools: spec.disabledIPv6PoolList ?? [],
    }
    if (leftOver.status === undefined) return right({ value, leftOver })
    const checked = decodeWith(status, leftOver.status)
    if (checked._tag === 'Left') return left(`status.${checked.left}`)
    return right({
      value: { ...value, status: checked.right },
      leftOver: { metadata: leftOver.metadata, spec: leftOver.spec },
    })
  },
  write: (value) => ({
    spec: {
      ...written('ipv4poolList', value.ipv4Pools),
      ...written('disabledIPv4PoolList', value.disabledIPv4Pools),
      ...written('ipv6poolList', value.ipv6Pools),
      ...written('disabledIPv6PoolList', value.disabledIPv6Pools),
    },
    status: value.status,
  }),
}

/** All four lists are optional; an empty one is left out. */
const written = <K extends string>(key: K, pools: ReadonlyArray<string>) =>
  present(key, pools.length === 0 ? undefined : pools)

const object = resource(rules, 'harmonycloud.cn/v1alpha1')

/** The kind as a Kubernetes object. `decode` refuses with one sentence. */
export const serviceIPPoolDocument = {
  apiVersion: object.apiVersion,
  kind: object.kind,
  decode: (document: unknown): Either<string, ServiceIPPool> => object.decode(document),
  encode: (value: ServiceIPPool, target: Omit<APITarget, 'name'> = {}): UnknownFields => {
    const { namespace, name } = value
    return forTarget(object.encode(value, { name, namespace }), { ...target, name })
  },
}
