/**
 * The controller at the size it has to hold: 2,000 nodes and 220,000 pods with an address each.
 * Blocks, affinities and handles are in a real API server; pods and nodes are made up by a front
 * that passes on everything else. The controller is a process of its own, and is asked by its
 * metrics: how long until everything is listed, what it takes then, and what it takes while pods
 * come and go.
 *
 *   node --conditions=hc-calico-source bench/controller-scale.ts [nodes] [pods per node]
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeDirectory } from '@hc-calico/cluster/directory'
import { startKubernetes } from '@hc-calico/cluster/kubernetes'
import { waitUntil } from '@hc-calico/cluster/process'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { createIPAM } from '@hc-calico/ipam-core'
import { createLeanKubeClient, type KubeClient, type Method } from '@hc-calico/kube-client/lean'
import {
  type ClusterSize,
  nodeName,
  podAt,
  poolName,
  serviceCount,
  storedObjects,
} from './controller/cluster-data.ts'
import { fill } from './controller/fill.ts'
import { type Front, startFront } from './controller/front.ts'
import {
  isSynced,
  type Measured,
  peakMiBOf,
  ran,
  sample,
  startMeasured,
} from './controller/measured.ts'
import { podDocument } from './controller/pod-documents.ts'

const sizeDefault: ClusterSize = { nodes: 2_000, podsPerNode: 110 }
const manifests = join(import.meta.dirname, '../packages/crd-types/manifests')
const syncTimeoutMs = 600_000
const steadySeconds = 60
/**
 * Pods that come and, a moment later, go again, per second. Each lists its node's affinities, for
 * which the API server looks at those of all nodes: more would measure only that.
 */
const churnPerSecond = 5
/** Their nodes; few, so that they need not all be made. */
const churnNodesMax = 100
const mebibyte = 1024 * 1024

const say = (text: string): void => void process.stderr.write(`  ${text}\n`)

export interface ControllerScaleResult {
  readonly bench: 'controller-scale'
  readonly nodes: number
  readonly allocations: number
  readonly storedObjects: number
  readonly listedPodsMiB: number
  readonly firstSyncSeconds: number
  readonly firstSyncCPUSeconds: number
  /** The longest time in which the process did nothing else, in seconds. */
  readonly longestBlockSeconds: number
  readonly peakMiB: number
  readonly idle: {
    readonly residentMiB: number
    readonly heapMiB: number
    readonly cpuPercent: number
  }
  readonly churn: {
    readonly podsPerSecond: number
    readonly residentMiB: number
    readonly cpuPercent: number
    /** From an edit of a service's lists to the status that answers it, median of some. */
    readonly statusLagSeconds: number
  }
  readonly loopSeconds: Readonly<Record<string, number>>
}

const cpuPercentOver = async (measured: Measured, act: () => Promise<void>): Promise<number> => {
  const before = await sample(measured)
  const startedMs = performance.now()
  await act()
  const after = await sample(measured)
  const seconds = (performance.now() - startedMs) / 1000
  return Math.round(((after.cpuSeconds - before.cpuSeconds) / seconds) * 1000) / 10
}

const servicesPath = '/apis/harmonycloud.cn/v1alpha1/namespaces/kube-system/serviceippools'

const call = async (
  client: KubeClient,
  method: Method,
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> => {
  const patch = method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {}
  const text = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await client.request({ method, path, ...text, ...patch })
  if (answer.status < 300) return JSON.parse(answer.text)
  throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
}

const churnNodesOf = ({ nodes }: ClusterSize): number => Math.min(nodes, churnNodesMax)

const makeObjects = async (client: KubeClient, size: ClusterSize): Promise<void> => {
  for (let n = 0; n < serviceCount; n += 1) {
    await call(client, 'POST', servicesPath, {
      ...{ apiVersion: 'harmonycloud.cn/v1alpha1', kind: 'ServiceIPPool' },
      ...{ metadata: { name: `service-${n}` }, spec: { ipv4poolList: [0, 1, 2].map(poolName) } },
    })
  }
  // The allocator wants to see the nodes it works for.
  for (let n = 0; n < churnNodesOf(size); n += 1) {
    const metadata = { name: nodeName(n), labels: { 'kubernetes.io/hostname': nodeName(n) } }
    await call(client, 'POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata })
  }
}

/** Median seconds from an edit of a service to the status that has seen it. */
const statusLag = async (client: KubeClient): Promise<number> => {
  const lags: number[] = []
  for (let n = 0; n < 7; n += 1) {
    const path = `${servicesPath}/service-${n}`
    const spec = { ipv4poolList: [n + 1, n + 2].map(poolName) }
    const edited = await call(client, 'PATCH', path, { spec })
    const { generation } = edited.metadata as { readonly generation: number }
    const startedMs = performance.now()
    await waitUntil({ what: 'the status', timeoutMs: syncTimeoutMs }, async () => {
      const { status } = (await call(client, 'GET', path)) as {
        readonly status?: { readonly observedGeneration?: number }
      }
      return status?.observedGeneration === generation
    })
    lags.push((performance.now() - startedMs) / 1000)
  }
  return Math.round((lags.sort((x, y) => x - y)[3] as number) * 10) / 10
}

/** Pods beyond those that are there: each gets an address, is seen, and goes again. */
const churn = async (
  kubeconfig: string,
  front: Front,
  size: ClusterSize,
  seconds: number,
): Promise<void> => {
  const client = await createLeanKubeClient({ kubeconfig })
  const ipam = createIPAM({ datastore: createKubernetesDatastore({ client }) })
  const come = async (n: number): Promise<void> => {
    const node = n % churnNodesOf(size)
    const place = { ...podAt(size, node, 0), name: `churn-${n}`, uid: `churn-${n}` }
    const handleID = `k8s-pod-network.churn-${n}`
    front.sendPod('ADDED', podDocument({ ...place, ip: '' }, `${n}`))
    const { v4 } = await ipam.autoAssign({
      ...{ host: nodeName(node), num4: 1, handleID, intendedUse: 'Workload' },
      attrs: { namespace: place.namespace, pod: place.name, node: place.node },
    })
    const ip = v4?.ips[0]?.split('/')[0] ?? ''
    front.sendPod('MODIFIED', podDocument({ ...place, ip }, `${n}`))
    await sleep(2_000)
    await ipam.releaseByHandle(handleID)
    front.sendPod('DELETED', podDocument({ ...place, ip }, `${n}`))
  }
  const running: Promise<void>[] = []
  for (let n = 0; n < seconds * churnPerSecond; n += 1) {
    running.push(come(n))
    await sleep(1000 / churnPerSecond)
  }
  await Promise.all(running)
  await client.close()
}

const loopSecondsIn = (metrics: ReadonlyMap<string, number>): Readonly<Record<string, number>> => {
  const sums = [...metrics].flatMap(([name, sum]) => {
    const loop = /^hc_calico_controller_run_seconds_sum\{loop="(.+)"\}$/.exec(name)?.[1]
    const count = metrics.get(`hc_calico_controller_run_seconds_count{loop="${loop}"}`)
    return loop === undefined || count === undefined ? [] : [[loop, sum / count] as const]
  })
  return Object.fromEntries(sums.map(([loop, mean]) => [loop, Math.round(mean * 1000) / 1000]))
}

const untilSynced = async (measured: Measured) => {
  const startedMs = performance.now()
  const needs = [measured.process]
  // The figure is of the time since it was asked last.
  let lagSeconds = 0
  await waitUntil({ what: 'everything is listed', timeoutMs: syncTimeoutMs, needs }, async () => {
    const seen = await sample(measured)
    lagSeconds = Math.max(lagSeconds, seen.lagSeconds)
    return isSynced(seen.all)
  })
  const firstSyncSeconds = Math.round((performance.now() - startedMs) / 100) / 10
  const { cpuSeconds } = await sample(measured)
  await waitUntil({ what: 'every loop has run', timeoutMs: syncTimeoutMs, needs }, async () =>
    ran(await measured.metrics()),
  )
  return { firstSyncSeconds, firstSyncCPUSeconds: Math.round(cpuSeconds * 10) / 10, lagSeconds }
}

export const controllerScale = async (
  size: ClusterSize = sizeDefault,
): Promise<ControllerScaleResult> => {
  const directory = makeDirectory('controller-scale')
  const kubernetes = await startKubernetes({ crds: [manifests] })
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  const front = await startFront(kubernetes.kubeconfig, size)
  let measured: Measured | undefined
  try {
    const count = await fill(kubernetes.etcd.endpoint, storedObjects(size))
    say(`${count} objects are stored`)
    await makeObjects(client, size)
    measured = await startMeasured(front, directory.path)
    const { lagSeconds, ...firstSync } = await untilSynced(measured)
    const longestBlockSeconds = Math.round(lagSeconds * 100) / 100
    say(`listed after ${firstSync.firstSyncSeconds} s`)
    const idleCPU = await cpuPercentOver(measured, () => sleep(steadySeconds * 1000))
    const idle = await sample(measured)
    let statusLagSeconds = 0
    const churnCPU = await cpuPercentOver(measured, async () => {
      const coming = churn(kubernetes.kubeconfig, front, size, steadySeconds)
      statusLagSeconds = await statusLag(client)
      say(`a status follows an edit after ${statusLagSeconds} s`)
      await coming
    })
    say('pods came and went')
    const busy = await sample(measured)
    const { residentMiB, heapMiB } = idle
    return {
      ...{ bench: 'controller-scale', nodes: size.nodes, storedObjects: count },
      ...{ allocations: size.nodes * size.podsPerNode, ...firstSync, longestBlockSeconds },
      listedPodsMiB: Math.round(front.listedBytes / mebibyte),
      peakMiB: peakMiBOf(measured.process.pid),
      idle: { residentMiB, heapMiB, cpuPercent: idleCPU },
      churn: {
        ...{ podsPerSecond: churnPerSecond, residentMiB: busy.residentMiB },
        ...{ cpuPercent: churnCPU, statusLagSeconds },
      },
      loopSeconds: loopSecondsIn(busy.all),
    }
  } finally {
    await measured?.process.kill()
    await front.close()
    await client.close()
    await kubernetes.stop()
    directory.remove()
  }
}

if (import.meta.main) {
  const [nodes, podsPerNode] = process.argv.slice(2).map(Number)
  const size = {
    nodes: nodes ?? sizeDefault.nodes,
    podsPerNode: podsPerNode ?? sizeDefault.podsPerNode,
  }
  process.stdout.write(`${JSON.stringify(await controllerScale(size), null, 2)}\n`)
}
