/** The caches as what garbage collection looks at. Nothing is copied that can be looked up. */
import { identityNames } from '../decisions/fixed-inventory.ts'
import type { GarbageSituation, OwnedBlock, SeenPod } from '../decisions/garbage-model.ts'
import { type CalicoNodes, calicoNodes } from '../sources/calico-nodes.ts'
import { type PodFacts, podKey } from '../sources/pods.ts'
import type { Sources } from '../sources/sources.ts'

export interface Gathered {
  readonly situation: Pick<
    GarbageSituation,
    | 'allocations'
    | 'pods'
    | 'nodes'
    | 'podOfIdentity'
    | 'blockOwners'
    | 'ownedBlocks'
    | 'hasAffinity'
    | 'handles'
  >
  readonly calico: CalicoNodes
}

export const seenPod = (
  { node, ips, networkIPs, isEvicted }: PodFacts,
  calico: CalicoNodes,
): SeenPod => ({
  // One that has no address of its own yet is starting, whatever else it has.
  ips: ips.length === 0 ? [] : [...ips, ...networkIPs],
  isEvicted,
  node: node === '' ? '' : calico.nameOf(node),
})

const hostPrefix = 'host:'

const blockOwnersOf = ({ blocks, affinities }: Sources): ReadonlySet<string> => {
  const owners = new Set<string>()
  for (const { affinity } of blocks.all().values()) {
    if (affinity?.startsWith(hostPrefix)) owners.add(affinity.slice(hostPrefix.length))
  }
  for (const { type, host } of affinities.all().values()) if (type === 'host') owners.add(host)
  return owners
}

export const gather = (sources: Sources): Gathered => {
  const calico = calicoNodes(sources)
  const podAt = (key: string): SeenPod | undefined => {
    const pod = sources.pods.get(key)
    return pod === undefined ? undefined : seenPod(pod, calico)
  }
  const situation = {
    allocations: [...sources.blocks.all().values()].flatMap(({ allocations }) => allocations),
    pods: { get: podAt },
    nodes: calico.alive,
    podOfIdentity: (identity: string): SeenPod | 'unknown' | undefined => {
      const names = identityNames(identity)
      return names === undefined ? 'unknown' : podAt(podKey(names.namespace, names.pod))
    },
    blockOwners: blockOwnersOf(sources),
    ownedBlocks: [...sources.blocks.all().values()].flatMap(({ cidr, affinity }) =>
      affinity === undefined ? [] : [{ cidr, affinity }],
    ),
    hasAffinity: ({ cidr, affinity }: OwnedBlock) =>
      sources.affinities.get(`${affinity} ${cidr}`) !== undefined,
    handles: sources.handles.all(),
  }
  return { situation, calico }
}
