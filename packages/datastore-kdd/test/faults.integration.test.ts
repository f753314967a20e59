/**
 * The API server in trouble, and what stands between it and us: every call ends in time with
 * success or one sentence, no address is given twice, and none is lost for good.
 */
import { type Kubernetes, startKubernetes } from '@hc-calico/cluster/kubernetes'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { createIPAM, IPAMFailure } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { createLeanKubeClient } from '@hc-calico/kube-client/lean'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type APIProxy, type Plan, startAPIProxy } from './api-proxy.ts'
import { accounts, asAdmin, empty, manifests, prepare, v1 } from './fixtures.ts'

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
  await prepare(kubernetes.kubeconfig, direct, ['node-1', 'node-2'])
})

const throughProxy = async (): Promise<Datastore> =>
  createKubernetesDatastore({ client: await proxy.client() })

const assign = (datastore: Datastore, handleID: string, host = 'node-1') =>
  createIPAM({ datastore }).autoAssign({ host, num4: 1, handleID, intendedUse: 'Workload' })

/** Does something to the first so many requests of a method on a kind. */
const first = (times: number, method: string, plural: string, plan: Plan): void => {
  let left = times
  proxy.plan = (request) => {
    const isIt = request.method === method && request.path.includes(`/${plural}`)
    if (!isIt || left === 0) return undefined
    left -= 1
    return plan
  }
}

const expectOneEach = async (handles: ReadonlyArray<string>): Promise<void> => {
  const { allocated, counted } = await accounts(direct)
  expect([...allocated.values()].toSorted()).toEqual([...handles].toSorted())
  expect([...counted]).toEqual([...handles].toSorted().map((handle) => [handle, 1]))
}

describe('an allocation succeeds all the same, and counts once', () => {
  const throttled = { tag: 'Answer', status: 429, headers: { 'retry-after': '1' } } as const
  const broken = {
    tag: 'Answer',
    status: 500,
    text: '{"message":"etcdserver: request timed out"}',
  } as const
  test.each<[string, number, string, string, Plan]>([
    ['429 on a read', 2, 'GET', 'ippools', throttled],
    ['429 on a write', 2, 'PUT', 'ipamblocks', throttled],
    ['500 on reads', 3, 'GET', 'ipamblocks', broken],
    ['500 on a write', 2, 'POST', 'ipamhandles', broken],
    ['a handle whose reply is lost', 1, 'POST', 'ipamhandles', { tag: 'LoseReply' }],
    ['a block whose reply is lost', 1, 'PUT', 'ipamblocks', { tag: 'LoseReply' }],
    ['a new block whose reply is lost', 1, 'POST', 'ipamblocks', { tag: 'LoseReply' }],
    ['an affinity whose reply is lost', 1, 'POST', 'blockaffinities', { tag: 'LoseReply' }],
    ['a request that is lost', 1, 'PUT', 'ipamblocks', { tag: 'LoseRequest' }],
  ])('%s', async (_, times, method, plural, plan) => {
    const datastore = await throughProxy()
    await assign(datastore, 'before')
    first(times, method, plural, plan)
    await assign(datastore, 'h')
    // On another host a block is claimed.
    first(times, method, plural, plan)
    await assign(datastore, 'i', 'node-2')
    await expectOneEach(['before', 'h', 'i'])
    await datastore.close()
  })

  test('a list from a cache that is behind', async () => {
    const datastore = await throughProxy()
    const list = `${v1}/blockaffinities`
    await assign(datastore, 'before')
    // Answered as of before the claim: nothing.
    const stale: Plan = { tag: 'Answer', status: 200, text: '{"metadata":{},"items":[]}' }
    proxy.plan = ({ path }) => (path.startsWith(`${list}?`) ? stale : undefined)
    for (const handle of ['h', 'i']) await assign(datastore, handle)
    await expectOneEach(['before', 'h', 'i'])
    await datastore.close()
  })
})

test('a release whose reply is lost gives the address back once', async () => {
  const datastore = await throughProxy()
  await assign(datastore, 'h')
  first(1, 'PUT', 'ipamblocks', { tag: 'LoseReply' })
  await createIPAM({ datastore }).releaseByHandle('h')
  await expectOneEach([])
  await datastore.close()
})

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const callMsMax = 40_000

/** Allocates until told to stop; which handles were told that they have an address. */
const keepAssigning = async (
  datastore: Datastore,
  id: number,
  isOver: () => boolean,
): Promise<{ held: string[]; doubtful: string[]; messages: string[]; slowestMs: number }> => {
  const result = {
    held: [] as string[],
    doubtful: [] as string[],
    messages: [] as string[],
    slowestMs: 0,
  }
  for (let n = 0; !isOver() && n < 40; n += 1) {
    const started = performance.now()
    const handle = `w${id}.${n}`
    try {
      await assign(datastore, handle, id % 2 === 0 ? 'node-1' : 'node-2')
      result.held.push(handle)
    } catch (error) {
      if (!(error instanceof IPAMFailure)) throw error
      result.doubtful.push(handle)
      result.messages.push(error.message)
    }
    result.slowestMs = Math.max(result.slowestMs, performance.now() - started)
  }
  return result
}

const underLoad = async (strike: () => Promise<void>): Promise<void> => {
  const client = await createLeanKubeClient({ kubeconfig: kubernetes.kubeconfig })
  const datastore = createKubernetesDatastore({ client })
  let isOver = false
  const writing = Array.from({ length: 32 }, (_, id) => keepAssigning(datastore, id, () => isOver))
  await sleep(300)
  await strike()
  await sleep(1_500)
  isOver = true
  const results = await Promise.all(writing)
  const ipam = createIPAM({ datastore })
  for (const handle of results.flatMap(({ doubtful }) => doubtful)) {
    await ipam.releaseByHandle(handle).catch((error: unknown) => {
      if (!(error instanceof IPAMFailure) || error.tag !== 'HandleMissing') throw error
    })
  }
  await expectOneEach(results.flatMap(({ held }) => held))
  expect(Math.max(...results.map(({ slowestMs }) => slowestMs))).toBeLessThan(callMsMax)
  for (const message of results.flatMap(({ messages }) => messages))
    expect(message).not.toContain('\n')
  await datastore.close()
}

describe('32 writers', { timeout: 120_000 }, () => {
  test('while the API server is killed and started again', () =>
    underLoad(async () => {
      await kubernetes.apiServer.kill()
      await sleep(500)
      await kubernetes.apiServer.start()
    }))

  test('while etcd behind it stands still', () =>
    underLoad(async () => {
      kubernetes.etcd.pause()
      await sleep(3_000)
      kubernetes.etcd.resume()
    }))
})

describe('one sentence', () => {
  test('for an admission policy that refuses', async () => {
    const name = 'no-handles'
    const match = {
      resourceRules: [
        {
          apiGroups: ['crd.projectcalico.org'],
          apiVersions: ['v1'],
          operations: ['CREATE'],
          resources: ['ipamhandles'],
        },
      ],
    }
    const admission = '/apis/admissionregistration.k8s.io/v1'
    const apiVersion = 'admissionregistration.k8s.io/v1'
    const validations = [{ expression: 'false', message: 'handles are not wanted here' }]
    await asAdmin(kubernetes.kubeconfig, 'POST', `${admission}/validatingadmissionpolicies`, {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: { failurePolicy: 'Fail', matchConstraints: match, validations },
    })
    await asAdmin(kubernetes.kubeconfig, 'POST', `${admission}/validatingadmissionpolicybindings`, {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    })
    const refused = async (n: number) =>
      assign(direct, `refused-${n}`).then(
        () => '',
        (error: Error) => error.message,
      )
    let n = 0
    await expect
      .poll(() => refused(n++), { timeout: 20_000, interval: 300 })
      .toContain('handles are not wanted here')
    for (const kind of ['validatingadmissionpolicybindings', 'validatingadmissionpolicies']) {
      await asAdmin(kubernetes.kubeconfig, 'DELETE', `${admission}/${kind}/${name}`)
    }
    await expect.poll(() => refused(n++), { timeout: 20_000, interval: 300 }).toBe('')
  })

  test('for an endpoint where nothing listens', async () => {
    const client = await createLeanKubeClient({ apiRoot: 'http://127.0.0.1:1' })
    const store = createKubernetesDatastore({ client })
    expect(
      await store.commit([
        { op: 'create', key: { kind: 'Handle', id: 'h' }, value: { id: 'h', blocks: {} } },
      ])(),
    ).toMatchObject({
      _tag: 'Left',
      left: {
        error: {
          tag: 'Unavailable',
          message: expect.stringContaining('the Kubernetes API at 127.0.0.1:1: '),
        },
      },
    })
  })
})
