/** A custom resource of one API group as an entry of the tables `v1Documents` and `v3Documents`. */
import { isRecord } from '../codecs/primitives.ts'
import { isDeleted } from './block-fields.ts'
import type { APIDocument } from './document.ts'
import { forTarget, type ResourceRules, resource, type WithUnknown } from './resource.ts'

export const apiDocument = <Value extends WithUnknown, Spec extends WithUnknown>(
  rules: ResourceRules<Value, Spec>,
  apiVersion: string,
): APIDocument<Value> => {
  const { kind, decode, encode } = resource(rules, apiVersion)
  return {
    apiVersion,
    kind,
    decode: (object) => decode(object),
    encode: (value, target) => forTarget(encode(value, { name: target.name }), target),
  }
}

/**
 * True of a block, affinity or handle that upstream has marked deleted and not yet removed. It
 * counts as absent; whoever meets it finishes the deletion.
 */
export const isTombstone = (object: unknown): boolean =>
  isRecord(object) && isRecord(object.spec) && isDeleted(object.spec.deleted)
