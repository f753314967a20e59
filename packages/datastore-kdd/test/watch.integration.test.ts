/** Watches on a real API server: broken off, too old, and over a time in which things vanished. */
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import type { Datastore, Kind, Revision, WatchEvent } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type APIProxy, startAPIProxy } from './api-proxy.ts'
import { asAdmin, empty, manifests } from './fixtures.ts'

let kubernetes: Kubernetes
let proxy: APIProxy
let direct: Datastore

beforeAll(async () => {
  kubernetes = await startKubernetes({ crds: [manifests] })
  proxy = await startAPIProxy(kubernetes)
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  direct = createKubernetesDatastore({ client })
})
afterAll(async () => {
  await direct?.close()
  await proxy?.close()
  await kubernetes?.stop()
})
beforeEach(async () => {
  proxy.plan = () => undefined
  await empty(kubernetes.kubeconfig)
})

const put = async (id: string): Promise<Revision> => {
  const write = { op: 'create', key: { kind: 'Handle', id }, value: { id, blocks: {} } } as const
  const done = await direct.commit([write])()
  if (done._tag === 'Left') throw new Error(done.left.error.message)
  return done.right.revisions[0] as Revision
}

const remove = async (id: string, revision: Revision): Promise<void> => {
  const done = await direct.commit([{ op: 'delete', key: { kind: 'Handle', id }, revision }])()
  if (done._tag === 'Left') throw new Error(done.left.error.message)
}

const textOf = (event: WatchEvent): string => {
  if (event.tag === 'Synced') return 'Synced'
  const key = event.tag === 'Put' ? event.keyValue.key : event.key
  return `${event.tag} ${'id' in key ? key.id : 'name' in key ? key.name : key.kind}`
}

/** What a watch through the proxy sees, until it is ended. */
const watched = async (kind: Kind): Promise<{ seen: string[]; end: () => Promise<void> }> => {
  const store = createKubernetesDatastore({ client: await proxy.client() })
  const controller = new AbortController()
  const seen: string[] = []
  const watching = (async () => {
    for await (const event of store.watch(kind, controller.signal)) seen.push(textOf(event))
  })()
  const end = async (): Promise<void> => {
    controller.abort()
    await watching
    await store.close()
  }
  return { seen, end }
}

test('a stream that breaks is taken up where it stopped', async () => {
  await put('a')
  const { seen, end } = await watched('Handle')
  await expect.poll(() => seen).toEqual(['Put a', 'Synced'])
  proxy.cut()
  await put('b')
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['Put a', 'Synced', 'Put b'])
  await end()
})

test('a version that is too old: listed again, and what vanished is reported', async () => {
  const gone = await put('gone')
  await put('stays')
  const { seen, end } = await watched('Handle')
  await expect.poll(() => seen).toEqual(['Put gone', 'Put stays', 'Synced'])
  let refusals = 0
  proxy.plan = ({ path }) => {
    if (!path.includes('watch=1') || refusals > 0) return undefined
    refusals += 1
    return { tag: 'Answer', status: 410, text: '{"kind":"Status","code":410,"reason":"Expired"}' }
  }
  await remove('gone', gone)
  await put('new')
  // The stream itself has told by now; what counts is what is told after the gap.
  await expect.poll(() => seen.at(-1)).toBe('Put new')
  const stays = seen.length
  proxy.cut()
  await expect.poll(() => seen.slice(stays), { timeout: 10_000 }).toEqual(['Synced'])
  expect(refusals).toBe(1)
  await end()
})

test('what vanished while nobody listened, after the version became too old', async () => {
  const gone = await put('gone')
  const { seen, end } = await watched('Handle')
  await expect.poll(() => seen).toEqual(['Put gone', 'Synced'])
  let isDown = true
  proxy.plan = () => (isDown ? { tag: 'LoseRequest' } : undefined)
  proxy.cut()
  await remove('gone', gone)
  await put('new')
  let isExpired = true
  isDown = false
  proxy.plan = ({ path }) => {
    if (!path.includes('watch=1') || !isExpired) return undefined
    isExpired = false
    return { tag: 'Answer', status: 410, text: '{"kind":"Status","code":410}' }
  }
  await expect
    .poll(() => seen.slice(2), { timeout: 15_000 })
    .toEqual(['Put new', 'Deleted gone', 'Synced'])
  await end()
})

test('an API server that is killed and comes back', async () => {
  await put('a')
  const { seen, end } = await watched('Handle')
  await expect.poll(() => seen).toEqual(['Put a', 'Synced'])
  await kubernetes.apiServer.kill()
  await kubernetes.apiServer.start()
  await put('b')
  await expect
    .poll(() => seen.filter((one) => one !== 'Synced'), { timeout: 20_000 })
    .toEqual(['Put a', 'Put b'])
  await end()
})

test('nodes come and go', async () => {
  const { seen, end } = await watched('Node')
  await expect.poll(() => seen).toContain('Synced')
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n9' } }
  await asAdmin(kubernetes.kubeconfig, 'POST', '/api/v1/nodes', node)
  await expect.poll(() => seen).toContain('Put n9')
  await asAdmin(kubernetes.kubeconfig, 'DELETE', '/api/v1/nodes/n9')
  await expect.poll(() => seen.at(-1)).toBe('Deleted n9')
  await end()
})

test('a watch nobody may make ends with the reason', async () => {
  const { kubeconfig } = await kubernetes.identity('nobody')
  const store = createKubernetesDatastore({ client: await createLeanKubeClient({ kubeconfig }) })
  const watching = async (): Promise<void> => {
    for await (const _ of store.watch('Handle', new AbortController().signal)) return
  }
  await expect(watching()).rejects.toThrow(
    'the role needs the permission to list ipamhandles.crd.projectcalico.org',
  )
  await store.close()
})
