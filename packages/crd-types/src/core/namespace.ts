/** The Kubernetes Namespace: labels for pool selectors, annotations for address choices. */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import { openObject } from '../codecs/open-object.ts'
import { oneOf } from '../codecs/primitives.ts'
import { decodeWith } from '../report.ts'
import { metadataFields, type ObjectFacts, objectFacts } from './metadata.ts'

export type KubernetesNamespace = ObjectFacts

const fields = openObject({
  required: { metadata: metadataFields },
  optional: { kind: oneOf('Namespace') },
})

export const decodeNamespace = (object: unknown): Either<string, KubernetesNamespace> => {
  const decoded = decodeWith(fields, object)
  return isLeft(decoded) ? decoded : right(objectFacts(decoded.right.metadata))
}
