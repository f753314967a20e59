/** A StatefulSet's pod and its record, in a world with a Kubernetes API. */
import { fixedStateOf } from '@hc-calico/ipam-core'
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import { type Answer, nodeWrite, pool, poolWrite, seeds, World } from '../world.ts'

export const recordPath = '/api/v1/namespaces/shop/configmaps/redis-fixed-ip-conf'
export const podPath = (pod: string): string => `/api/v1/namespaces/shop/pods/${pod}`
export const handleOf = (pod: string): string => `hc-fixed.shop.${pod}`

export const conf = {
  policy: { type: 'k8s' },
  kubernetes: { kubeconfig: '/etc/cni/net.d/calico-kubeconfig' },
  ipam: { type: 'hc-calico-ipam', assign_ipv6: 'true' },
}
export const v4Only = { ...conf, ipam: { type: 'hc-calico-ipam' } }
export const v6Only = {
  ...conf,
  ipam: { type: 'hc-calico-ipam', assign_ipv4: 'false', assign_ipv6: 'true' },
}

/** As the first HC-Calico made them. */
export const firstVersion = {
  labels: { 'calico-fixedIP': 'true', 'calico-fixedIP-ref': 'redis' },
  annotations: { 'calico-fixedIP-ref': 'redis' },
}
export const ours = {
  ...firstVersion,
  annotations: { ...firstVersion.annotations, 'ipam.harmonycloud.cn/record': '2' },
}

export const record = (data: object | null | undefined, metadata: object = {}) => ({
  kind: 'ConfigMap',
  metadata: { name: 'redis-fixed-ip-conf', namespace: 'shop', ...metadata },
  ...(data === undefined ? {} : { data }),
})

export const isFixed = { annotations: { 'fixed.ipam.harmonycloud.cn': 'true' } }

export const addPod = (world: World, pod: string, metadata: object = isFixed): void => {
  world.kubernetes.set(podPath(pod), {
    kind: 'Pod',
    metadata: {
      name: pod,
      namespace: 'shop',
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis', uid: 'u-0' }],
      ...metadata,
    },
    spec: {},
  })
}

export const fixedWorld = async (
  configMap?: object | number,
  { atomic = true }: { readonly atomic?: boolean } = {},
): Promise<World> => {
  const writes = [
    ...seeds,
    nodeWrite('node-2'),
    poolWrite(pool('10.9.0.0/24', { nodeSelector: '!all()' })),
    poolWrite(pool('10.8.0.0/24', { disabled: true })),
  ]
  const world = await World.create(writes, createMemoryDatastore({ atomicCommit: atomic }))
  world.kubernetes.set('/api/v1/namespaces/shop', { kind: 'Namespace', metadata: { name: 'shop' } })
  for (const pod of ['redis-0', 'redis-1', 'redis-2']) addPod(world, pod)
  if (configMap !== undefined) world.kubernetes.set(recordPath, configMap)
  return world
}

let containers = 0

export interface Start {
  readonly pod?: string
  readonly conf?: object
  readonly id?: string
}

export const start = async (
  world: World,
  { pod = 'redis-0', conf: used = conf, id }: Start = {},
): Promise<Answer & { readonly id: string; readonly ips: ReadonlyArray<string> }> => {
  containers += 1
  const container = id ?? `c${containers}`
  const args = world.pod(pod, 'shop')
  const answer = await world.run({
    command: 'ADD',
    plugin: 'ipam',
    id: container,
    args,
    conf: used,
  })
  const ips = (answer.document.ips ?? []) as ReadonlyArray<{ address: string }>
  return {
    ...answer,
    id: container,
    ips: ips.map(({ address }) => address.split('/')[0] as string),
  }
}

export const stop = (world: World, id: string, pod = 'redis-0') => {
  const args = world.pod(pod, 'shop')
  return world.run({ command: 'DEL', plugin: 'ipam', id, args, conf })
}

/** What the record says now. */
// biome-ignore lint/suspicious/noExplicitAny: JSON as it is stored
export const recorded = (world: World): any => world.kubernetes.get(recordPath)

/** Addresses under a handle, with what they say. */
export const heldBy = async (world: World, handle: string) => {
  const held = new Map<string, ReturnType<typeof fixedStateOf>>()
  for (const block of await world.list('Block')) {
    block.allocations.forEach((index: number | null, ordinal: number) => {
      const attribute = index === null ? undefined : block.attributes[index]
      if (attribute?.handleID !== handle) return
      held.set(`${block.cidr}#${ordinal}`, fixedStateOf(attribute.secondary))
    })
  }
  return held
}
