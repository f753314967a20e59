/** ServiceIPPools. One that cannot be read is known by name, with what is wrong with it. */
import { type ServiceIPPool, serviceIPPoolDocument } from '@hc-calico/crd-types/harmonycloud'
import { isLeft } from 'fp-ts/lib/Either.js'
import type { KubeObject, KubeResource } from './kube-source.ts'

export interface ServicePoolFacts {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly generation: number
  readonly resourceVersion: string
  /** Or why it cannot be read, one sentence. */
  readonly pool: ServiceIPPool | string
}

export const servicePoolsPath = '/apis/harmonycloud.cn/v1alpha1/serviceippools'

/** A status that somebody broke is as good as none: it is about to be written anew. */
const decodeLeniently = (object: KubeObject): ServiceIPPool | string => {
  const decoded = serviceIPPoolDocument.decode(object)
  if (!isLeft(decoded)) return decoded.right
  const { status: _, ...rest } = object
  const again = serviceIPPoolDocument.decode(rest)
  return isLeft(again) ? decoded.left : again.right
}

/** By `namespace/name`. */
export const servicePoolsResource: KubeResource<ServicePoolFacts> = {
  path: servicePoolsPath,
  isOptional: true,
  read: (object) => {
    const { metadata = {} } = object
    const { name = '', namespace = 'default', uid = '' } = metadata
    const { generation = 0, resourceVersion = '' } = metadata
    // In a list an object comes without its kind and version.
    const whole = { apiVersion: 'harmonycloud.cn/v1alpha1', kind: 'ServiceIPPool', ...object }
    const facts = {
      namespace,
      name,
      uid,
      generation,
      resourceVersion,
      pool: decodeLeniently(whole),
    }
    return [`${namespace}/${name}`, facts]
  },
}
