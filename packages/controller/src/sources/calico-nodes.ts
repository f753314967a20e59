/**
 * Nodes by the names that allocations carry. On the Kubernetes datastore these are Kubernetes' own;
 * on etcd a Calico node says which node of Kubernetes it is. One that says nothing is nobody's to
 * judge and counts as there; a name that neither side knows is that of a node that is gone.
 */
import type { Sources } from './sources.ts'

export interface CalicoNodes {
  readonly alive: ReadonlySet<string>
  /** Calico's name for a node of Kubernetes. */
  readonly nameOf: (kubernetesName: string) => string
  /** Kubernetes' name for a node of Calico. */
  readonly kubernetesNameOf: (name: string) => string
}

const same = (name: string): string => name

export const calicoNodes = ({
  nodes,
  calicoNodes: stored,
}: Pick<Sources, 'nodes' | 'calicoNodes'>): CalicoNodes => {
  const alive = new Set(nodes.all().keys())
  if (stored === undefined) return { alive, nameOf: same, kubernetesNameOf: same }
  const byKubernetes = new Map<string, string>()
  for (const { name, kubernetesName } of stored.all().values()) {
    if (kubernetesName !== undefined) byKubernetes.set(kubernetesName, name)
    if (kubernetesName === undefined || nodes.get(kubernetesName) !== undefined) alive.add(name)
  }
  return {
    alive,
    nameOf: (kubernetesName) => byKubernetes.get(kubernetesName) ?? kubernetesName,
    kubernetesNameOf: (name) => stored.get(name)?.kubernetesName ?? name,
  }
}
