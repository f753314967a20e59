/**
 * Pods and nodes as an API server would send them, with all that nobody here reads: some 5 kB each,
 * the size of a plain Deployment's pod.
 */
import { type ClusterSize, nodeName, type PodPlace, podAt } from './cluster-data.ts'

const environment = Array.from({ length: 20 }, (_, i) => ({
  name: `SETTING_${i}`,
  value: `a value of some length that nobody reads, number ${i}`,
}))

const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
  ...{ type, status: 'True', lastProbeTime: null, lastTransitionTime: '2026-01-01T00:00:00Z' },
}))

const managedFields = ['kube-controller-manager', 'kubelet', 'hc-calico'].map((manager) => ({
  ...{ manager, operation: 'Update', apiVersion: 'v1', time: '2026-01-01T00:00:00Z' },
  ...{
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } } },
  },
}))

const mounts = ['config', 'secrets', 'cache'].map((name) => ({ name, mountPath: `/var/${name}` }))

export const podDocument = (place: PodPlace, resourceVersion: string): object => {
  const { namespace, name, node, ip, uid, service } = place
  const app = name.split('-').slice(0, 2).join('-')
  return {
    metadata: {
      ...{ name, namespace, uid, resourceVersion, generateName: `${app}-`, managedFields },
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app, 'pod-template-hash': '7d4b9c6f5', tier: 'backend' },
      annotations: {
        'cni.projectcalico.org/podIP': `${ip}/32`,
        'cni.projectcalico.org/podIPs': `${ip}/32`,
        'prometheus.io/scrape': 'true',
        ...(service === undefined ? {} : { serviceIPPoolcrd: `service-${service}` }),
      },
      ownerReferences: [
        {
          ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${app}-7d4b9c6f5` },
          ...{ uid: `u-${app}`, controller: true, blockOwnerDeletion: true },
        },
      ],
    },
    spec: {
      ...{ nodeName: node, serviceAccountName: 'default', restartPolicy: 'Always' },
      containers: [
        { name: 'app', image: 'example/app:1.2.3', env: environment, volumeMounts: mounts },
        { name: 'proxy', image: 'example/proxy:4.5', env: environment.slice(0, 5) },
      ],
      volumes: mounts.map((mount) => ({ name: mount.name, emptyDir: {} })),
    },
    status: {
      ...{ phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions, hostIP: '192.0.2.1' },
      containerStatuses: ['app', 'proxy'].map((container) => ({
        ...{ name: container, ready: true, restartCount: 0, image: 'example/app:1.2.3' },
        state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      })),
    },
  }
}

const images = Array.from({ length: 50 }, (_, i) => ({
  names: [`example/image-${i}@sha256:${'0'.repeat(64)}`, `example/image-${i}:1.0`],
  sizeBytes: 100_000_000,
}))

export const nodeDocument = (node: number): object => ({
  metadata: {
    ...{ name: nodeName(node), uid: `node-${node}`, resourceVersion: '1' },
    labels: { 'kubernetes.io/hostname': nodeName(node), rack: String(node % 40) },
  },
  spec: { podCIDR: '' },
  status: { images, conditions, nodeInfo: { kubeletVersion: 'v1.30.0' } },
})

/** A page of all pods, from `start` on. */
export const podPage = (size: ClusterSize, start: number, limit: number): ReadonlyArray<object> => {
  const end = Math.min(start + limit, size.nodes * size.podsPerNode)
  const { podsPerNode } = size
  return Array.from({ length: end - start }, (_, i) => {
    const pod = start + i
    return podDocument(podAt(size, Math.floor(pod / podsPerNode), pod % podsPerNode), '1')
  })
}
