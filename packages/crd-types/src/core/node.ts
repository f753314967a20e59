/**
 * The Kubernetes Node as Calico's node. Pool selectors see the Kubernetes labels merged with those
 * calicoctl has set, which live in an annotation; where both name a label, Kubernetes' counts.
 */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import { openObject } from '../codecs/open-object.ts'
import { list, oneOf, text } from '../codecs/primitives.ts'
import type { CalicoNode } from '../model.ts'
import { decodeWith } from '../report.ts'
import { stringMapIn } from './annotation-json.ts'
import { metadataFields, type ObjectFacts, objectFacts } from './metadata.ts'

export interface KubernetesNode extends CalicoNode, ObjectFacts {
  /** From `spec.podCIDRs`, or the older `spec.podCIDR`; for host-local IPAM. */
  readonly podCIDRs: ReadonlyArray<string>
}

const fields = openObject({
  required: { metadata: metadataFields },
  optional: {
    kind: oneOf('Node'),
    spec: openObject({ required: {}, optional: { podCIDR: text, podCIDRs: list(text) } }),
  },
})

/** Labels set through Calico's API, as JSON. */
export const calicoLabelsAnnotation = 'projectcalico.org/labels'

export const decodeNode = (object: unknown): Either<string, KubernetesNode> => {
  const decoded = decodeWith(fields, object)
  if (isLeft(decoded)) return decoded
  const { metadata, spec: { podCIDR = '', podCIDRs = [] } = {} } = decoded.right
  const facts = objectFacts(metadata)
  const own = stringMapIn(facts.annotations[calicoLabelsAnnotation])
  const single = podCIDR === '' ? [] : [podCIDR]
  return right({
    ...facts,
    labels: { ...own, ...facts.labels },
    podCIDRs: podCIDRs.length > 0 ? podCIDRs : single,
  })
}
