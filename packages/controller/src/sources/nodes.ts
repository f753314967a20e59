/** Nodes of Kubernetes: that they are there. */
import type { KubeResource } from './kube-source.ts'

export interface NodeFacts {
  readonly name: string
  readonly uid: string
}

/** By name. */
export const nodesResource: KubeResource<NodeFacts> = {
  path: '/api/v1/nodes',
  read: ({ metadata = {} }) => {
    const { name = '', uid = '' } = metadata
    return [name, { name, uid }]
  },
}
