/**
 * A revision of the port on the API: uid and resourceVersion together, because a name that was
 * deleted and made again is another object, and a write must not hit that one by mistake.
 */
import type { Revision } from '@hc-calico/ipam-core/ports'

export interface ObjectVersion {
  readonly uid: string
  readonly resourceVersion: string
}

export const revisionOf = ({ uid, resourceVersion }: ObjectVersion): Revision =>
  `${uid}/${resourceVersion}` as Revision

/** Undefined for a text that is no revision of this adapter. */
export const versionOf = (revision: Revision): ObjectVersion | undefined => {
  const at = revision.indexOf('/')
  const [uid, resourceVersion] = [revision.slice(0, at), revision.slice(at + 1)]
  return at > 0 && resourceVersion !== '' ? { uid, resourceVersion } : undefined
}
