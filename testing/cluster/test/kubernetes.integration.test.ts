// The real control plane: it serves, knows who asks, survives a kill, is gone when stopped.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../src/command.ts'
import { makeDirectory } from '../src/directory.ts'
import { type Kubernetes, startKubernetes } from '../src/kubernetes.ts'
import { waitUntil } from '../src/process.ts'

const directory = makeDirectory('crds')
afterAll(() => directory.remove())

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.test.hc' },
  spec: {
    group: 'test.hc',
    scope: 'Cluster',
    names: { plural: 'things', singular: 'thing', kind: 'Thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
}
writeFileSync(join(directory.path, 'things.yaml'), JSON.stringify(crd))

describe('an API server alone', () => {
  let kubernetes: Kubernetes
  beforeAll(async () => {
    kubernetes = await startKubernetes({ crds: [directory.path] })
  })
  afterAll(() => kubernetes?.stop())

  const thing = (name: string) => ({
    apiVersion: 'test.hc/v1',
    kind: 'Thing',
    metadata: { name },
    spec: { n: 1 },
  })

  test('says which version it is', async () => {
    expect(JSON.parse(await kubernetes.apiServer.get('/version'))).toMatchObject({ major: '1' })
  })

  test('serves the custom resources at once', async () => {
    await kubernetes.apply(thing('one'), thing('two'))
    const got = await kubernetes.kubectl(['get', 'things', '-o', 'name'])
    expect(got).toBe('thing.test.hc/one\nthing.test.hc/two\n')
  })

  test('a pod can be made without a controller manager', async () => {
    await kubernetes.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'none' }] },
    })
    expect(
      await kubernetes.kubectl(['get', 'pod', 'p', '-o', 'jsonpath={.metadata.uid}']),
    ).not.toBe('')
  })

  test('an identity may do what RBAC says, no more', async () => {
    const { kubeconfig } = await kubernetes.identity('reader', ['readers'])
    const asReader = (...args: ReadonlyArray<string>): Promise<string> =>
      command(kubernetes.binaries('kubectl'), ['--kubeconfig', kubeconfig, ...args])
    await expect(asReader('get', 'things')).rejects.toThrow(
      /"reader" cannot list resource "things"/,
    )
    await kubernetes.kubectl([
      ...['create', 'clusterrole', 'things-reader', '--verb=get,list', '--resource=things'],
    ])
    await kubernetes.kubectl([
      ...['create', 'clusterrolebinding', 'readers', '--clusterrole=things-reader'],
      '--group=readers',
    ])
    await waitUntil({ what: 'the role counts', timeoutMs: 10_000 }, async () => {
      await asReader('get', 'things', '-o', 'name')
      return true
    })
    await expect(asReader('delete', 'thing', 'one')).rejects.toThrow(/cannot delete resource/)
  })

  test('a token is the administrator; a wrong one is nobody', async () => {
    const withToken = (token: string): Promise<string> =>
      command(kubernetes.binaries('kubectl'), [
        ...['--kubeconfig', '/dev/null', '--certificate-authority', kubernetes.caFile],
        ...['--server', kubernetes.url, '--token', token, 'get', 'namespace', 'default'],
      ])
    expect(await withToken(kubernetes.adminToken)).toContain('Active')
    await expect(withToken('wrong')).rejects.toThrow('Unauthorized')
  })

  test('killed and started again it has everything, at the same URL', async () => {
    await kubernetes.apiServer.kill()
    await expect(kubernetes.kubectl(['get', 'things'])).rejects.toThrow(/refused/)
    await kubernetes.apiServer.start()
    const got = await kubernetes.kubectl(['get', 'things', '-o', 'name'])
    expect(got).toContain('thing.test.hc/one')
  })
})

test('with controller manager and scheduler: accounts are made, deployments become pods', async () => {
  const kubernetes = await startKubernetes({ controllerManager: true, scheduler: true })
  try {
    await kubernetes.kubectl(['create', 'deployment', 'd', '--image=none', '--replicas=2'])
    const pods = await waitUntil({ what: 'two pods exist', timeoutMs: 30_000 }, async () => {
      const names = (await kubernetes.kubectl(['get', 'pods', '-o', 'name'])).trim().split('\n')
      return names.length === 2 && names
    })
    const [pod = ''] = pods
    const reason = await waitUntil({ what: 'the scheduler says why', timeoutMs: 30_000 }, () =>
      kubernetes
        .kubectl(['get', pod, '-o', 'jsonpath={.status.conditions[0].message}'])
        .then((text) => text || undefined),
    )
    expect(reason).toContain('no nodes available')
  } finally {
    await kubernetes.stop()
  }
  expect(existsSync(kubernetes.kubeconfig)).toBe(false)
  expect(existsSync(kubernetes.etcd.dataDir)).toBe(false)
})

test('a flag the API server does not know: the error carries its log, nothing stays', async () => {
  await expect(startKubernetes({ apiServerArgs: ['--no-such-flag'] })).rejects.toThrow(
    /the API server is ready: kube-apiserver has ended(.|\n)*no-such-flag/,
  )
})
