/**
 * Upstream deletes blocks, affinities and handles in two steps: it marks the object as deleted, then
 * removes it. A process that dies in between leaves the mark. Such an object is absent to every
 * reader, and whoever meets it completes the deletion, on the version that was met.
 */
import type { CallOptions } from '@hc-calico/ipam-core/ports'
import { type API, type JSONObject, metadataOf, objectVersion } from './api.ts'
import { isTombstone } from './api-groups.ts'
import type { CustomKind } from './names.ts'

const completedMax = 16

/** The body of a DELETE that removes this version of this object and no other. */
export const preconditions = (version: {
  readonly uid: string
  readonly resourceVersion: string
}): string => JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: version })

/** Best effort: without the permission to delete, readers still see the object as absent. */
const complete = async (
  api: API,
  kind: CustomKind,
  object: JSONObject,
  options: CallOptions,
): Promise<void> => {
  const name = encodeURIComponent(String(metadataOf(object).name))
  const path = `${api.typeOf(kind).path}/${name}`
  const body = preconditions(objectVersion(object))
  await api.send({ method: 'DELETE', path, body, ...options }).catch(() => undefined)
}

/** The objects that are not marked; the deletion of the others is completed. */
export const withoutTombstones = async (
  api: API,
  kind: CustomKind,
  objects: ReadonlyArray<JSONObject>,
  options: CallOptions,
): Promise<ReadonlyArray<JSONObject>> => {
  const marked = objects.filter(isTombstone)
  if (marked.length === 0) return objects
  await Promise.all(marked.slice(0, completedMax).map((one) => complete(api, kind, one, options)))
  return objects.filter((one) => !isTombstone(one))
}
