/**
 * The plugin's role is enough, and nothing in it is too much: with any one verb taken away, some
 * part of an address's life fails, and the error names the permission that is missing.
 */
import { readFileSync } from 'node:fs'
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { createIPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { asAdmin, empty, manifests, prepare } from './fixtures.ts'

interface Rule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}

const documents = parseAllDocuments(readFileSync('packages/cni-plugin/manifests/rbac.yaml', 'utf8'))
const role = documents.map((one) => one.toJS()).find(({ kind }) => kind === 'ClusterRole')
const rules = role.rules as ReadonlyArray<Rule>

/** Only the newer group has this kind. */
const newer = 'ipamconfigurations'

/** Every permission of the older group and of Kubernetes' own, one by one. */
const permissions = rules.flatMap(({ apiGroups, resources, verbs }) =>
  apiGroups
    // Service pools are the plugin's own reading, not the datastore's.
    .filter((group) => group !== 'projectcalico.org' && group !== 'harmonycloud.cn')
    .flatMap((group) =>
      resources
        // So is the record of fixed addresses.
        .filter((resource) => resource !== newer && resource !== 'configmaps')
        .flatMap((resource) => verbs.map((verb) => ({ group, resource, verb }))),
    ),
)

type Permission = (typeof permissions)[number]

let kubernetes: Kubernetes
let admin: Datastore

const storeFor = async (kubeconfig: string): Promise<Datastore> =>
  createKubernetesDatastore({
    client: await createLeanKubeClient({ kubeconfig }),
    apiGroup: 'crd.projectcalico.org/v1',
  })

beforeAll(async () => {
  kubernetes = await startKubernetes({ crds: [manifests] })
  admin = await storeFor(kubernetes.kubeconfig)
})
afterAll(async () => {
  await admin?.close()
  await kubernetes?.stop()
})

const rbac = '/apis/rbac.authorization.k8s.io/v1'

/** A user with these permissions. */
const userWith = async (name: string, granted: ReadonlyArray<Permission>): Promise<Datastore> => {
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const given = granted.map(({ group, resource, verb }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
  }))
  await asAdmin(kubernetes.kubeconfig, 'POST', `${rbac}/clusterroles`, {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name },
    rules: given,
  })
  await asAdmin(kubernetes.kubeconfig, 'POST', `${rbac}/clusterrolebindings`, {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
  })
  const { kubeconfig } = await kubernetes.identity(name)
  return storeFor(kubeconfig)
}

const endpoint = {
  kind: 'WorkloadEndpoint',
  namespace: 'default',
  name: 'node--1-k8s-web-eth0',
} as const

/** What the plugin does to the datastore in the life of a pod, by every path. */
const live = async (store: Datastore): Promise<void> => {
  const ipam = createIPAM({ datastore: store, limits: { retryAttemptsMax: 3, retryPauseMsMax: 5 } })
  const request = { host: 'node-1', num4: 1, intendedUse: 'Workload' } as const
  const must = async <A>(
    call: () => Promise<
      | { _tag: 'Right'; right: A }
      | { _tag: 'Left'; left: { message?: string; error?: { message: string } } }
    >,
  ): Promise<A> => {
    const result = await call()
    if (result._tag === 'Right') return result.right
    throw new Error(result.left.message ?? result.left.error?.message)
  }
  await must(
    store.read([
      { get: { kind: 'ClusterInformation' } },
      { get: { kind: 'Profile', name: 'kns.default' } },
    ]),
  )
  await ipam.autoAssign({ ...request, handleID: 'a' })
  await ipam.autoAssign({ ...request, handleID: 'b', ipv4Pools: ['10.72.0.0/16'] })
  await must(
    store.read([
      { get: { kind: 'IPPool', name: 'pods' } },
      { get: { kind: 'IPReservation', name: 'none' } },
      { list: 'Handle' },
      { list: 'Block' },
    ]),
  )
  // A handle is changed, not made and removed, when it holds two.
  await ipam.assignIP({ ip: '10.72.0.9', handleID: 'b', host: 'node-1' })
  await ipam.releaseIPs([{ address: '10.72.0.9', handle: 'b' }])
  for (const handle of ['a', 'b']) await ipam.releaseByHandle(handle)
  await ipam.releaseHostAffinities({ type: 'host', host: 'node-1' }, { mustBeEmpty: true })
  const [found] = await must(store.read([{ get: endpoint }]))
  if (found === undefined) throw new Error('there is a pod')
  const value = { ...found.value, ipNetworks: ['10.72.0.1/32'], containerID: 'c' }
  await must(store.commit([{ op: 'update', key: endpoint, value, revision: found.revision }]))
}

const reset = async (): Promise<void> => {
  await empty(kubernetes.kubeconfig)
  await prepare(kubernetes.kubeconfig, admin, ['node-1'])
  await asAdmin(kubernetes.kubeconfig, 'POST', '/api/v1/namespaces/default/serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  })
  await asAdmin(kubernetes.kubeconfig, 'POST', '/api/v1/namespaces/default/pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      nodeName: 'node-1',
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'none' }],
    },
  })
}

/** Roles reach the server's authorizer a moment later. */
const outcome = (store: Datastore): Promise<string> =>
  live(store).then(
    () => 'done',
    (error: Error) => error.message,
  )

test('the role as it stands is enough', async () => {
  const store = await userWith('everything', permissions)
  await expect
    .poll(async () => reset().then(() => outcome(store)), { timeout: 15_000, interval: 300 })
    .toBe('done')
  await store.close()
})

test.each(permissions)('without $verb of $resource the error says so', async (missing) => {
  const { verb, resource, group } = missing
  const name = `without-${verb}-${resource.replace('/', '-')}`
  const store = await userWith(
    name,
    permissions.filter((one) => one !== missing),
  )
  const permission = `${verb} ${resource}${group === '' ? '' : `.${group}`}`
  await expect
    .poll(async () => reset().then(() => outcome(store)), { timeout: 20_000, interval: 200 })
    .toContain(`the role needs the permission to ${permission}: `)
  await store.close()
})
