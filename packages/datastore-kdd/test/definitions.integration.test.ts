/**
 * The definitions in the cluster: upstream's own, ours over them, older ones than our documents,
 * and none; and objects that upstream has marked as deleted.
 */
import { readFileSync } from 'node:fs'
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { type APIGroup, createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { createIPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { asAdmin, empty, manifests, prepare, v1 } from './fixtures.ts'

let kubernetes: Kubernetes

beforeAll(async () => {
  kubernetes = await startKubernetes()
})
afterAll(() => kubernetes?.stop())

const storeOf = async (apiGroup?: APIGroup): Promise<Datastore> => {
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  return createKubernetesDatastore({ client, ...(apiGroup === undefined ? {} : { apiGroup }) })
}

const upstream = '../shared/data/calico-crds'

test('none at all: which one is missing', async () => {
  const store = await storeOf()
  const read = await store.read([{ list: 'IPPool' }])()
  expect(read).toMatchObject({
    _tag: 'Left',
    left: {
      tag: 'Unsupported',
      message:
        'the API server does not serve ippools.crd.projectcalico.org: apply the CustomResourceDefinitions first',
    },
  })
})

test('only the newer group: it is found by itself', async () => {
  await kubernetes.applyCRDs(`${upstream}/v3`)
  const store = await storeOf()
  await prepare(kubernetes.kubeconfig, store, ['node-1'])
  const pools = await asAdmin(
    kubernetes.kubeconfig,
    'GET',
    '/apis/projectcalico.org/v3/ippools/pods',
  )
  expect(pools.status).toBe(200)
  await asAdmin(kubernetes.kubeconfig, 'DELETE', '/apis/projectcalico.org/v3/ippools/pods')
})

/** A life of an address: blocks, affinities, handles and configuration are written and changed. */
const useEverything = async (store: Datastore): Promise<void> => {
  const ipam = createIPAM({ datastore: store })
  const request = { host: 'node-1', num4: 1, intendedUse: 'Workload' } as const
  await ipam.setIPAMConfig({
    strictAffinity: true,
    autoAllocateBlocks: true,
    maxBlocksPerHost: 5,
    ipCooldownSeconds: 0,
  })
  await ipam.autoAssign({
    ...request,
    handleID: 'k8s-pod-network.A',
    attrs: { pod: 'p', namespace: 'd', node: 'node-1' },
  })
  await ipam.autoAssign({ ...request, handleID: 'k8s-pod-network.b' })
  await ipam.releaseByHandle('k8s-pod-network.b')
  await ipam.releaseByHandle('k8s-pod-network.A')
  await ipam.releaseHostAffinities({ type: 'host', host: 'node-1' }, { mustBeEmpty: true })
  const read = await store.read([
    { list: 'Block' },
    { list: 'BlockAffinity' },
    { list: 'Handle' },
  ])()
  expect(read).toEqual({ _tag: 'Right', right: [[], [], []] })
}

describe.each<[APIGroup, string]>([
  ['crd.projectcalico.org/v1', 'v1'],
  ['projectcalico.org/v3', 'v3'],
])('%s', (group, folder) => {
  test('upstream’s own definitions accept all we write and keep every field', async () => {
    await kubernetes.applyCRDs(`${upstream}/${folder}`)
    const store = await storeOf(group)
    await prepare(kubernetes.kubeconfig, store, ['node-1'])
    // A field that is dropped would be an error here.
    await useEverything(store)
  })

  test('ours over them change no name, scope or version, and what is stored stays readable', async () => {
    const store = await storeOf(group)
    const before = await definitions(group)
    const pools = await store.read([{ list: 'IPPool' }])()
    await kubernetes.applyCRDs(`${manifests}/${group.replace('/', '-')}.yaml`)
    const after = await definitions(group)
    expect([...after.keys()]).toEqual(expect.arrayContaining([...before.keys()]))
    for (const [name, spec] of before) expect(after.get(name)).toMatchObject(spec)
    expect(await store.read([{ list: 'IPPool' }])()).toEqual(pools)
    await useEverything(store)
  })
})

interface Definition {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly group: string
    readonly scope: string
    readonly names: {
      readonly kind: string
      readonly plural: string
      readonly shortNames?: ReadonlyArray<string>
    }
    readonly versions: ReadonlyArray<{
      readonly name: string
      readonly served: boolean
      readonly storage: boolean
    }>
  }
}

/** What upstream's programs rely on, by name of the definition. */
const definitions = async (group: APIGroup) => {
  const text = await kubernetes.kubectl(['get', 'crds', '-o', 'json'])
  const { items } = JSON.parse(text) as { items: ReadonlyArray<Definition> }
  const ours = items.filter(({ spec }) => spec.group === group.split('/')[0])
  return new Map(
    ours.map(({ metadata, spec }) => {
      const { scope, names } = spec
      const versions = spec.versions.map(({ name, served, storage }) => ({ name, served, storage }))
      return [metadata.name, { scope, names, versions }]
    }),
  )
}

test('an older definition that drops a field: it is said, not lost', async () => {
  const file = `${upstream}/v1/crd.projectcalico.org_ipamblocks.yaml`
  const definition = parse(readFileSync(file, 'utf8'))
  delete definition.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties
    .affinityClaimTime
  await kubernetes.kubectl(['replace', '-f', '-'], JSON.stringify(definition))
  const store = await storeOf('crd.projectcalico.org/v1')
  const assign = (n: number) =>
    createIPAM({ datastore: store })
      .autoAssign({ host: 'node-1', num4: 1, handleID: `pruned-${n}`, intendedUse: 'Workload' })
      .then(
        () => '',
        (error: Error) => error.message,
      )
  let n = 0
  const release = () =>
    createIPAM({ datastore: store }).releaseHostAffinities(
      { type: 'host', host: 'node-1' },
      { mustBeEmpty: false },
    )
  await expect
    .poll(
      async () => {
        const message = await assign(n++)
        if (message === '') await release()
        return message
      },
      { timeout: 20_000, interval: 300 },
    )
    .toContain('the API server dropped spec.affinityClaimTime of Block(')
  await kubernetes.kubectl(['replace', '-f', `${manifests}/crd.projectcalico.org-v1.yaml`])
  await empty(kubernetes.kubeconfig)
})

describe('what upstream has marked as deleted', () => {
  const block = (deleted: boolean) => ({
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPAMBlock',
    metadata: { name: '10-9-0-0-29' },
    spec: {
      cidr: '10.9.0.0/29',
      allocations: Array(8).fill(null),
      unallocated: [0, 1, 2, 3, 4, 5, 6, 7],
      attributes: [],
      strictAffinity: false,
      deleted,
    },
  })
  const affinity = {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'BlockAffinity',
    metadata: { name: 'node-9-10-9-0-0-29' },
    spec: {
      state: 'pendingDeletion',
      node: 'node-9',
      type: 'host',
      cidr: '10.9.0.0/29',
      deleted: 'true',
    },
  }
  const key = { kind: 'Block', cidr: '10.9.0.0/29' } as const
  const make = (plural: string, body: object) =>
    asAdmin(kubernetes.kubeconfig, 'POST', `${v1}/${plural}`, body)
  const statusOf = async (path: string) =>
    (await asAdmin(kubernetes.kubeconfig, 'GET', `${v1}/${path}`)).status

  test('is absent to a get, which removes it', async () => {
    await make('ipamblocks', block(true))
    const store = await storeOf('crd.projectcalico.org/v1')
    expect(await store.read([{ get: key }])()).toEqual({ _tag: 'Right', right: [undefined] })
    expect(await statusOf('ipamblocks/10-9-0-0-29')).toBe(404)
  })

  test('is absent to a list, which removes it', async () => {
    await make('blockaffinities', affinity)
    const store = await storeOf('crd.projectcalico.org/v1')
    const read = await store.read([{ list: 'BlockAffinity' }])()
    expect(read).toEqual({ _tag: 'Right', right: [[]] })
    expect(await statusOf('blockaffinities/node-9-10-9-0-0-29')).toBe(404)
  })

  test('is not in the way of a create', async () => {
    await make('ipamblocks', block(true))
    const store = await storeOf('crd.projectcalico.org/v1')
    const value = {
      cidr: key.cidr,
      allocations: Array(8).fill(null),
      unallocated: [0, 1, 2, 3, 4, 5, 6, 7],
      attributes: [],
      sequenceNumber: 7n,
      sequenceNumberForAllocation: {},
    }
    expect(await store.commit([{ op: 'create', key, value }])()).toMatchObject({ _tag: 'Right' })
    const read = await store.read([{ get: key }])()
    expect(read._tag === 'Right' && read.right[0]?.value.sequenceNumber).toBe(7n)
    await asAdmin(kubernetes.kubeconfig, 'DELETE', `${v1}/ipamblocks/10-9-0-0-29`)
  })

  test('one that is not marked is there', async () => {
    await make('ipamblocks', block(false))
    const store = await storeOf('crd.projectcalico.org/v1')
    const read = await store.read([{ get: key }])()
    expect(read._tag === 'Right' && read.right[0]?.value.cidr).toBe(key.cidr)
  })
})
