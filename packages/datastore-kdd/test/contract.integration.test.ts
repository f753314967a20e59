/** The contract on a real kube-apiserver: both API groups, both clients. */
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { describeDatastoreContract, plainForm } from '@hc-calico/datastore-contract'
import { type APIGroup, createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { createKubeClient } from '@hc-calico/kube-client'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'
import { afterAll, beforeAll, expect } from 'vitest'
import { type APIProxy, type Plan, startAPIProxy } from './api-proxy.ts'

const manifests = 'packages/crd-types/manifests'
const groups: ReadonlyArray<APIGroup> = ['crd.projectcalico.org/v1', 'projectcalico.org/v3']
const plurals = {
  'crd.projectcalico.org/v1': 'ipamconfigs',
  'projectcalico.org/v3': 'ipamconfigurations',
}
const common = [
  'ippools',
  'ipreservations',
  'ipamblocks',
  'blockaffinities',
  'ipamhandles',
  'clusterinformations',
]

let kubernetes: Kubernetes
let proxy: APIProxy

beforeAll(async () => {
  kubernetes = await startKubernetes({ crds: [manifests] })
  proxy = await startAPIProxy(kubernetes)
})
afterAll(async () => {
  await proxy?.close()
  await kubernetes?.stop()
})

const lean = async (apiGroup: APIGroup): Promise<Datastore> => {
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  return plainForm(createKubernetesDatastore({ client, apiGroup }))
}
const full = async (apiGroup: APIGroup): Promise<Datastore> => {
  const client = await createKubeClient({ kubeconfig: kubernetes.kubeconfig })
  return plainForm(createKubernetesDatastore({ client, apiGroup }))
}

/** The next write meets a loss. */
const lose = (plan: Plan): void => {
  proxy.plan = ({ method }) => {
    if (method === 'GET') return undefined
    proxy.plan = () => undefined
    return plan
  }
}

const losses = {
  loseNextReply: () => lose({ tag: 'LoseReply' }),
  loseNextRequest: () => lose({ tag: 'LoseRequest' }),
}

/** As kubectl cannot: to it, `ipamconfigs` is a short name in the other group. */
const emptied = async (group: APIGroup): Promise<void> => {
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  for (const plural of [...common, plurals[group]]) {
    const { status } = await client.request({ method: 'DELETE', path: `/apis/${group}/${plural}` })
    expect(status).toBe(200)
  }
  await client.close()
}

for (const group of groups) {
  for (const [name, openFirst, openSecond] of [
    ['lean client', lean, lean],
    ['client-node, and lean', full, lean],
  ] as const) {
    describeDatastoreContract(`kubernetes, ${group}, ${name}`, {
      capabilities: { watch: true },
      writableKinds: [
        'IPPool',
        'IPReservation',
        'IPAMConfig',
        'Block',
        'BlockAffinity',
        'Handle',
        'ClusterInformation',
      ],
      open: async () => {
        await emptied(group)
        const [first, second] = [await openFirst(group), await openSecond(group)]
        const store = plainForm(
          createKubernetesDatastore({ client: await proxy.client(), apiGroup: group }),
        )
        const close = async (): Promise<void> => {
          await Promise.all([first.close(), second.close(), store.close()])
        }
        return { first, second, lossy: { store, ...losses }, close }
      },
    })
  }
}
