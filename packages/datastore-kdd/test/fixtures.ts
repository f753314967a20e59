/** What the integration tests put into a cluster, and take out again. */
import type { Datastore, Write } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient, type Method } from '@hc-calico/kube-client/lean'

export const manifests = 'packages/crd-types/manifests'
export const v1 = '/apis/crd.projectcalico.org/v1'

export const pool = {
  name: 'pods',
  cidr: '10.72.0.0/16',
  blockSize: 26,
  disabled: false,
  terminating: false,
  allocatable: true,
  nodeSelector: 'all()',
  allowedUses: ['Workload'],
  assignmentMode: 'Automatic',
  ipipMode: 'Never',
  vxlanMode: 'Never',
  natOutgoing: false,
  disableBGPExport: false,
}

/** As the administrator; what exists already is as good as made. */
export const asAdmin = async (
  kubeconfig: string,
  method: Method,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly text: string }> => {
  const client = await createLeanKubeClient({ kubeconfig })
  const text = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await client.request({ method, path, ...text })
  await client.close()
  return answer
}

export const empty = async (kubeconfig: string): Promise<void> => {
  for (const plural of ['ippools', 'ipamblocks', 'blockaffinities', 'ipamhandles', 'ipamconfigs']) {
    await asAdmin(kubeconfig, 'DELETE', `${v1}/${plural}`)
  }
}

/** The pool, and nodes to allocate for. */
export const prepare = async (
  kubeconfig: string,
  datastore: Datastore,
  nodes: ReadonlyArray<string>,
): Promise<void> => {
  for (const name of nodes) {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } }
    await asAdmin(kubeconfig, 'POST', '/api/v1/nodes', node)
  }
  const write = { op: 'create', key: { kind: 'IPPool', name: pool.name }, value: pool }
  const done = await datastore.commit([write as unknown as Write])()
  if (done._tag === 'Left') throw new Error(done.left.error.message)
}

/** Address to handle, and per handle how many addresses its document counts. */
export const accounts = async (datastore: Datastore) => {
  const read = await datastore.read([{ list: 'Block' }, { list: 'Handle' }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  const [blocks, handles] = read.right
  const allocated = blocks.flatMap(({ value }) =>
    value.allocations.flatMap((index, ordinal) => {
      const handle = index === null ? undefined : value.attributes[index]?.handleID
      return handle === undefined ? [] : [[`${value.cidr}#${ordinal}`, handle] as const]
    }),
  )
  const counted = handles.map(({ value }) => [
    value.id,
    Object.values(value.blocks).reduce((a, b) => a + b, 0),
  ])
  return { allocated: new Map(allocated), counted: new Map(counted as [string, number][]) }
}
