/**
 * Fixed addresses and service pools in a whole cluster of two nodes: whatever happens to the pods of
 * an annotated StatefulSet, to their node, or to every machine at once, they keep their addresses,
 * and a service's pools change under its running pods. One cluster per datastore lives through all
 * of it, in the order of the tests.
 */
import { readFileSync } from 'node:fs'
import { command } from '@hc-calico/cluster/command'
import { makeDirectory, type OwnDirectory } from '@hc-calico/cluster/directory'
import { waitUntil } from '@hc-calico/cluster/process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ClusterUnderTest,
  type DatastoreType,
  logOf,
  startCluster,
} from './cluster-under-test.ts'
import { examplePools, exampleSet, serviceIPPoolFile, workload } from './manifests.ts'
import {
  fixedAllocations,
  ordinaryAddresses,
  podsOf,
  recordOf,
  replaced,
  type SeenFixed,
  type SeenPod,
  settled,
} from './seen.ts'

const fixed = { 'fixed.ipam.harmonycloud.cn': 'true' }
const small = { 'cni.projectcalico.org/ipv4pools': '["small"]' }
const pools = [
  { name: 'pods', cidr: '10.67.0.0/24', blockSize: 28 },
  { name: 'pods-v6', cidr: 'fd67::/120', blockSize: 124 },
  { name: 'small', cidr: '10.68.0.0/29', blockSize: 29, assignmentMode: 'Manual' },
  ...examplePools(),
]

/** Two pods, db-5 and db-6, one after the other, from a pool of eight addresses. */
const db = workload({
  kind: 'StatefulSet',
  name: 'db',
  replicas: 2,
  annotations: { ...fixed, ...small },
  spec: { ordinals: { start: 5 } },
})
/** db-6 is to have it: a person wrote so into the record before there was a set. */
const pinned = '10.68.0.5'

const sets = { redis: 3, db: 2 } as const
/** Sandboxes that hold fixed addresses: a holder is `{network}.{container}`. */
const containersOf = (held: ReadonlyArray<SeenFixed>): ReadonlyArray<string> => [
  ...new Set(held.flatMap(({ holder }) => holder?.id.split('.')[1] ?? [])),
]

type SetName = keyof typeof sets
const setNames = Object.keys(sets) as ReadonlyArray<SetName>

describe.each<[DatastoreType, boolean]>([
  ['kubernetes', true],
  ['etcdv3', false],
])('datastore %s', (type, isDual) => {
  let directory: OwnDirectory
  let cluster: ClusterUnderTest
  const first = new Map<string, ReadonlyArray<string>>()

  beforeAll(async () => {
    directory = makeDirectory('stateful-set')
    cluster = await startCluster(directory.path, type, {
      ...{ nodes: 2, pools, isDual, hasController: true },
    })
    await kubectl('cordon', 'node-2')
  })
  afterAll(async () => {
    await cluster?.stop()
    directory?.remove()
  })

  const kubectl = (...args: ReadonlyArray<string>): Promise<string> =>
    cluster.kubernetes.kubectl(args)

  /** From its own node: there is no routing between nodes here. */
  const expectReachable = async ({ name, node, ips }: SeenPod): Promise<void> => {
    for (const ip of ips) {
      const answers = await cluster.nodeNamed(node).netns.reaches(ip)
      expect({ name, node, ip, answers }).toMatchObject({ answers: true })
    }
  }

  /** The set's pods are up again, on their addresses, which the blocks say they hold. */
  const expectKept = async (
    set: SetName,
    isAsWanted?: (pod: SeenPod) => boolean,
  ): Promise<ReadonlyArray<SeenPod>> => {
    const pods = await settled(cluster, set, sets[set], isAsWanted)
    expect(pods.map(({ name, ips }) => [name, ips])).toEqual(
      pods.map(({ name }) => [name, first.get(name)]),
    )
    const held = await fixedAllocations(cluster)
    for (const pod of pods) {
      const own = held.filter(({ identity }) => identity.endsWith(`/${pod.name}`))
      expect(own.map(({ ip }) => ip).toSorted()).toEqual([...pod.ips].toSorted())
      expect(own.map(({ holder }) => holder?.node)).toEqual(own.map(() => pod.node))
      await expectReachable(pod)
    }
    expect(await recordOf(cluster, set)).toMatchObject(recorded(pods))
    return pods
  }

  /** What the record of a set says of its pods. */
  const recorded = (pods: ReadonlyArray<SeenPod>): Readonly<Record<string, string>> =>
    Object.fromEntries(
      pods.flatMap(({ name }) =>
        (first.get(name) ?? []).map((ip) => [`${name}-ipv${ip.includes(':') ? 6 : 4}`, ip]),
      ),
    )

  const podsOfSets = async (): Promise<ReadonlyArray<SeenPod>> =>
    (await Promise.all(setNames.map((set) => podsOf(cluster, set)))).flat()

  test('FIX-01 the founding document’s service pool, the example’s set, a set from ordinal 5', async () => {
    await kubectl('apply', '-f', serviceIPPoolFile)
    await kubectl('create', 'configmap', 'db-fixed-ip-conf', `--from-literal=db-6-ipv4=${pinned}`)
    await cluster.kubernetes.apply(...exampleSet(), db)
    for (const set of setNames) {
      const pods = await settled(cluster, set, sets[set])
      for (const pod of pods) first.set(pod.name, pod.ips)
      await expectKept(set)
    }
    expect([...first.keys()]).toEqual(['redis-0', 'redis-1', 'redis-2', 'db-5', 'db-6'])
    const redis = [...first].filter(([name]) => name.startsWith('redis')).flatMap(([, ips]) => ips)
    expect(redis.filter((ip) => !/^(10\.244\.100\.|fd00:10:244:100::)/.test(ip))).toEqual([])
    expect(first.get('db-6')?.[0]).toBe(pinned)
    const all = [...first.values()].flat()
    expect(all).toHaveLength(isDual ? 10 : 5)
    expect(new Set(all).size).toBe(all.length)
  })

  test('FIX-02 a container that dies, and a sandbox that is stopped behind kubelet’s back', async () => {
    const [a, b] = await podsOf(cluster, 'redis')
    const { socket, cri } = cluster.node.containerd
    const target = ['-a', socket, '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL']
    await command('ctr', [...target, a?.containerID ?? ''])
    const held = await fixedAllocations(cluster)
    const own = held.filter(({ identity }) => identity.endsWith(`/${b?.name}`))
    for (const sandbox of containersOf(own)) await cri.stopPod(sandbox)
    const again = [a?.name, b?.name]
    await expectKept('redis', ({ name, restarts }) => !again.includes(name) || restarts === 1)
  })

  test('FIX-03 deleted, deleted by force, evicted', async () => {
    const before = await podsOf(cluster, 'redis')
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'redis-2' } }
    const path = '/api/v1/namespaces/default/pods/redis-2/eviction'
    await kubectl('delete', 'pod', 'redis-0', '--wait=false')
    await kubectl('delete', 'pod', 'redis-1', '--force', '--grace-period=0', '--wait=false')
    await cluster.kubernetes.kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction))
    await expectKept('redis', replaced(before))
  })

  test('FIX-04 scaled to nothing: neighbours get every address but those; scaled up, it has them again', async () => {
    await kubectl('scale', 'statefulset', 'db', '--replicas=0')
    await settled(cluster, 'db', 0)
    const own = [...(first.get('db-5') ?? []), ...(first.get('db-6') ?? [])]
    const greedy = { kind: 'Deployment', name: 'greedy', replicas: 8, annotations: small } as const
    await cluster.kubernetes.apply(workload(greedy))
    const up = await waitUntil(
      { what: 'six of eight neighbours run', timeoutMs: 60_000, intervalMs: 200 },
      async () => {
        const pods = (await podsOf(cluster, 'greedy')).filter((pod) => pod.isUp)
        const events = await kubectl('get', 'events', '-o', 'jsonpath={.items[*].message}')
        return pods.length === 6 && events.includes('No IPs available') && pods
      },
    )
    expect(up.flatMap(({ ips }) => ips).filter((ip) => own.includes(ip))).toEqual([])
    await kubectl('scale', 'statefulset', 'db', '--replicas=2')
    await expectKept('db')
    await kubectl('delete', 'deployment', 'greedy')
  })

  test('FIX-05 a rolling update of both sets', async () => {
    const before = await podsOfSets()
    const patch = { spec: { template: { metadata: { annotations: { revision: '2' } } } } }
    for (const set of setNames) {
      await kubectl('patch', 'statefulset', set, '-p', JSON.stringify(patch))
    }
    for (const set of setNames) await expectKept(set, replaced(before))
  })

  const listPools = (lists: object): Promise<string> =>
    kubectl(
      '-n',
      'kube-system',
      'patch',
      'svcpool',
      'svc1',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: lists }),
    )

  test('SVC-01 the pools of a service change under it: nothing restarts, new pods follow', async () => {
    const annotations = { serviceIPPoolcrd: 'svc1' }
    await cluster.kubernetes.apply(
      workload({ kind: 'Deployment', name: 'web', replicas: 2, annotations }),
    )
    const before = await settled(cluster, 'web', 2)
    const others = await podsOfSets()
    expect(before.filter(({ ips }) => !ips[0]?.startsWith('10.244.100.'))).toEqual([])
    await listPools({ disabledIPv4PoolList: ['ippool1'] })
    await kubectl('scale', 'deployment', 'web', '--replicas=4')
    const after = await settled(cluster, 'web', 4)
    const uids = new Set(before.map(({ uid }) => uid))
    expect(after.filter(({ uid }) => uids.has(uid))).toEqual(before)
    const young = after.filter(({ uid }) => !uids.has(uid))
    expect(young.filter(({ ips }) => !ips[0]?.startsWith('10.244.102.'))).toEqual([])
    expect(await podsOfSets()).toEqual(others)
    for (const pod of after) await expectReachable(pod)
  })

  test('SVC-02 a fixed pod keeps its address although its pool drains', async () => {
    const before = await podsOf(cluster, 'redis')
    await kubectl('delete', 'pod', 'redis-0', '--wait=false')
    await expectKept('redis', (pod) => pod.name !== 'redis-0' || replaced(before)(pod))
    await kubectl('delete', 'deployment', 'web')
  })

  test('FIX-11 another address is asked for in the record: the next start of the pod has it', async () => {
    const wanted = '10.244.100.77'
    const data = { 'redis-2-ipv4': wanted }
    const record = ['configmap', 'redis-fixed-ip-conf', '-p', JSON.stringify({ data })]
    await kubectl('patch', ...record)
    const before = await podsOf(cluster, 'redis')
    expect(before.map(({ ips }) => ips)).not.toContainEqual(expect.arrayContaining([wanted]))
    first.set('redis-2', [wanted, ...(first.get('redis-2') ?? []).slice(1)])
    await kubectl('delete', 'pod', 'redis-2', '--wait=false')
    await expectKept('redis', (pod) => pod.name !== 'redis-2' || replaced(before)(pod))
  })

  test('FIX-06 its node is drained: every pod is on the other one, on its addresses', async () => {
    await cluster.kubernetes.apply(
      workload({ kind: 'Deployment', name: 'plain', replicas: 3, annotations: {} }),
    )
    await settled(cluster, 'plain', 3)
    await kubectl('uncordon', 'node-2')
    await kubectl('drain', 'node-1', '--force', '--ignore-daemonsets', '--timeout=60s')
    for (const set of setNames) await expectKept(set, ({ node }) => node === 'node-2')
  })

  let lostContainers: ReadonlyArray<string> = []

  test('FIX-07 its node is lost for ever: kubelet and containerd killed, the Node deleted', async () => {
    const lost = cluster.nodeNamed('node-2')
    lostContainers = containersOf(await fixedAllocations(cluster))
    expect(lostContainers).toHaveLength(5)
    await lost.kill()
    await kubectl('delete', 'node', 'node-2')
    await kubectl('uncordon', 'node-1')
    await kubectl('delete', 'pods', '--all', '--force', '--grace-period=0')
    for (const set of setNames) await expectKept(set, ({ node }) => node === 'node-1')
    expect((await lost.netns.links()).length).toBeGreaterThan(1)
  })

  test('FIX-12 what ordinary pods had on the lost node is collected, and nothing else', async () => {
    const plain = await settled(cluster, 'plain', 3)
    const wanted = plain.flatMap(({ ips }) => ips).toSorted()
    const wait = { what: 'what pods have is all that is allocated', timeoutMs: 90_000 }
    await waitUntil({ ...wait, intervalMs: 500 }, async () => {
      const held = await ordinaryAddresses(cluster)
      if (held.join() !== wanted.join()) throw new Error(`${held} instead of ${wanted}`)
      return true
    })
    for (const pod of plain) await expectReachable(pod)
    for (const set of setNames) await expectKept(set)
  })

  test('FIX-08 the lost node comes back: what it does late changes nothing, its links go', async () => {
    const before = { held: await fixedAllocations(cluster), pods: await podsOfSets() }
    const back = cluster.nodeNamed('node-2')
    await back.start()
    await back.waitUntilReady()
    const wait = { what: 'what it had is gone', timeoutMs: 60_000, intervalMs: 200 }
    await waitUntil(wait, async () => {
      const links = (await back.netns.links()).map(({ ifname }) => ifname)
      if (links.length > 1) throw new Error(links.join(', '))
      return true
    })
    const log = readFileSync(logOf(directory.path, 'node-2'), 'utf8')
    const deleted = lostContainers.filter((id) => new RegExp(`"DEL".*${id}`).test(log))
    expect(deleted).toEqual(lostContainers)
    expect(await fixedAllocations(cluster)).toEqual(before.held)
    expect(await podsOfSets()).toEqual(before.pods)
    for (const set of setNames) await expectKept(set)
  })

  test('FIX-09 a power cut: every process of the cluster killed, and everything started again', async () => {
    const before = await podsOfSets()
    await cluster.cutPower()
    const hasRestarted = ({ uid, restarts }: SeenPod): boolean =>
      before.every((pod) => pod.uid !== uid || restarts > pod.restarts)
    for (const set of setNames) await expectKept(set, hasRestarted)
  })

  test('FIX-10 a set is deleted for good: its addresses and its record go, the other set’s stay', async () => {
    await kubectl('delete', 'statefulset', 'db')
    const wait = { what: 'nothing of the set is left', timeoutMs: 60_000, intervalMs: 500 }
    await waitUntil(wait, async () => {
      const left = (await fixedAllocations(cluster)).filter(({ ip }) => ip.startsWith('10.68.'))
      return left.length === 0 && (await recordOf(cluster, 'db')) === undefined
    })
    await expectKept('redis')
  })
})
