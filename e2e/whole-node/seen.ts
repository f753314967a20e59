/**
 * What the tests of sets look at: pods as the Kubernetes API shows them, fixed allocations as the
 * blocks hold them. And what they wait for: pods that run and are not on their way out.
 */
import { waitUntil } from '@hc-calico/cluster/process'
import { type FixedHolder, fixedStateOf } from '@hc-calico/ipam-core'
import { addressInBlock, trustedCIDR } from '@hc-calico/ipam-core/ip'
import type { ClusterUnderTest } from './cluster-under-test.ts'

export interface SeenPod {
  readonly name: string
  readonly uid: string
  readonly node: string
  readonly ips: ReadonlyArray<string>
  /** Of its one container. */
  readonly restarts: number
  readonly containerID: string
  /** It runs, is ready, and nobody has asked it to go. */
  readonly isUp: boolean
}

interface APIPod {
  readonly metadata: { name: string; uid: string; deletionTimestamp?: string }
  readonly spec: { nodeName?: string }
  readonly status: {
    readonly phase: string
    readonly podIPs?: ReadonlyArray<{ readonly ip: string }>
    readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }>
    readonly containerStatuses?: ReadonlyArray<{ restartCount: number; containerID?: string }>
  }
}

const seen = ({ metadata, spec, status }: APIPod): SeenPod => {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  const [container] = status.containerStatuses ?? []
  return {
    name: metadata.name,
    uid: metadata.uid,
    node: spec.nodeName ?? '',
    ips: (status.podIPs ?? []).map(({ ip }) => ip),
    restarts: container?.restartCount ?? 0,
    containerID: container?.containerID?.replace('containerd://', '') ?? '',
    isUp:
      metadata.deletionTimestamp === undefined &&
      status.phase === 'Running' &&
      ready?.status === 'True',
  }
}

/** By label `app`, in order of their names. */
export const podsOf = async (
  { kubernetes }: ClusterUnderTest,
  app: string,
): Promise<ReadonlyArray<SeenPod>> => {
  const path = `/api/v1/namespaces/default/pods?labelSelector=app%3D${app}`
  const { items } = JSON.parse(await kubernetes.apiServer.get(path)) as { items: APIPod[] }
  return items.map(seen).toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const settleTimeoutMs = 90_000

/** So many pods of an app are there, all of them are up, and as the caller wants them. */
export const settled = (
  cluster: ClusterUnderTest,
  app: string,
  count: number,
  isAsWanted: (pod: SeenPod) => boolean = () => true,
): Promise<ReadonlyArray<SeenPod>> => {
  const wait = { what: `${count} pods of ${app} run`, timeoutMs: settleTimeoutMs, intervalMs: 200 }
  let last: ReadonlyArray<SeenPod> = []
  return waitUntil(wait, async () => {
    last = await podsOf(cluster, app)
    const isDone = last.length === count && last.every((pod) => pod.isUp && isAsWanted(pod))
    if (!isDone) throw new Error(JSON.stringify(last))
    return last
  })
}

/** None of the pods of before: every one has been replaced. */
export const replaced =
  (before: ReadonlyArray<SeenPod>) =>
  ({ uid }: SeenPod): boolean =>
    before.every((pod) => pod.uid !== uid)

export interface SeenFixed {
  readonly identity: string
  readonly ip: string
  readonly epoch: number
  readonly holder: FixedHolder | undefined
}

/** Every allocation: its address, and what its attributes say. */
const allocations = async ({ datastore }: ClusterUnderTest) => {
  const read = await datastore.read([{ list: 'Block' }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  return read.right[0].flatMap(({ value }) =>
    value.allocations.flatMap((index, ordinal) => {
      if (index === null) return []
      const [ip = ''] = addressInBlock(trustedCIDR(value.cidr), ordinal).split('/')
      return [{ ip, attrs: value.attributes[index]?.secondary ?? {} }]
    }),
  )
}

/** Every fixed allocation, by identity and address. */
export const fixedAllocations = async (
  cluster: ClusterUnderTest,
): Promise<ReadonlyArray<SeenFixed>> => {
  const found = (await allocations(cluster)).flatMap(({ ip, attrs }) => {
    const state = fixedStateOf(attrs)
    if (state === undefined) return []
    return [{ identity: state.identity, ip, epoch: state.epoch, holder: state.holder }]
  })
  const key = ({ identity, ip }: SeenFixed): string => `${identity} ${ip}`
  return found.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** Addresses of pods that are not fixed. */
export const ordinaryAddresses = async (
  cluster: ClusterUnderTest,
): Promise<ReadonlyArray<string>> =>
  (await allocations(cluster))
    .filter(({ attrs }) => attrs.pod !== undefined)
    .map(({ ip }) => ip)
    .toSorted()

/** The record of a set, as people read it: `{pod}-ipv4` and `{pod}-ipv6`; undefined: there is none. */
export const recordOf = async (
  { kubernetes }: ClusterUnderTest,
  set: string,
): Promise<Readonly<Record<string, string>> | undefined> => {
  const path = '/api/v1/namespaces/default/configmaps'
  const { items } = JSON.parse(await kubernetes.apiServer.get(path)) as {
    items: ReadonlyArray<{ metadata: { name: string }; data?: Record<string, string> }>
  }
  const found = items.find(({ metadata }) => metadata.name === `${set}-fixed-ip-conf`)
  return found && (found.data ?? {})
}
