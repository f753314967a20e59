/**
 * FixedIP: the pods of an annotated StatefulSet keep their addresses. An address belongs to the
 * identity of a pod (namespace and name, which a StatefulSet gives to one pod at a time), not to a
 * container. Annotation and rule are those of the first HC-Calico: the exact text `true`, and an
 * owner of kind StatefulSet of any API group. Pure.
 */
import type { Identity } from './identity.ts'
import { sha1Hex } from './sha1.ts'
import type { WorkloadFacts } from './workload-source.ts'

export const fixedAnnotation = 'fixed.ipam.harmonycloud.cn'

export interface FixedIdentity {
  /** Owner of the identity's addresses; the same on every node and for every container. */
  readonly handleID: string
  /** For people: `{namespace}/{owner kind}/{set}/{pod}`. */
  readonly text: string
  /** The StatefulSet, whose record the pod stands in. */
  readonly set: string
}

const handlePrefix = 'hc-fixed.'
/** On the Kubernetes API a handle is the name of an object. */
const handleLengthMax = 253

/** `hc-fixed.{namespace}.{pod}`, or with a digest where that is too long for a name. */
export const fixedHandleID = (namespace: string, pod: string): string => {
  const handle = `${handlePrefix}${namespace}.${pod}`
  return handle.length <= handleLengthMax
    ? handle
    : `${handlePrefix}${sha1Hex(`${namespace}.${pod}`)}`
}

/** `redis-0` is pod 0 of the set `redis`. */
const setInName = (pod: string): string | undefined => /^(.+)-(?:0|[1-9]\d*)$/.exec(pod)?.[1]

const statefulSet = 'StatefulSet'

/**
 * The set a pod belongs to. Where nobody told the owners (no Kubernetes API is asked), the pod's
 * name has to say it.
 */
const setOf = ({ pod }: WorkloadFacts, name: string): string | undefined =>
  pod.ownersKnown === true
    ? pod.ownerReferences.find(({ kind }) => kind === statefulSet)?.name
    : setInName(name)

/** Undefined for a pod whose addresses come and go with its containers. */
export const fixedIdentityOf = (
  { namespace, pod }: Identity,
  facts: WorkloadFacts,
): FixedIdentity | undefined => {
  if (pod === undefined || facts.pod.annotations[fixedAnnotation] !== 'true') return undefined
  const set = setOf(facts, pod)
  if (set === undefined) return undefined
  const text = `${namespace}/${statefulSet}/${set}/${pod}`
  return { handleID: fixedHandleID(namespace, pod), text, set }
}
