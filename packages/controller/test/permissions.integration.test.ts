/**
 * The manifest as it stands, on a real API server: it is accepted, the controller lives by the token
 * of its service account, and what the role grants is what is asked for, no more and no less.
 */
import { readFileSync } from 'node:fs'
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import { createIPAM } from '@hc-calico/ipam-core'
import { createKubeClient, type KubeClient } from '@hc-calico/kube-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { createLog } from '../src/log.ts'
import { startController } from '../src/run.ts'
import {
  type ControllerLab,
  hastySettings,
  poolNamed,
  startControllerLab,
} from './lab/controller-lab.ts'

const patience = { timeout: 30_000, interval: 50 }
const manifest = 'packages/controller/manifests/controller.yaml'
const documents = parseAllDocuments(readFileSync(manifest, 'utf8')).map((one) => one.toJS())

interface Rule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}

const granted = new Set(
  documents
    .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
    .flatMap(({ rules }) => rules as ReadonlyArray<Rule>)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`)),
      ),
    ),
)

/** Of Calico's two groups a cluster serves one; the newer one has the same kinds. */
const isOfNewerGroup = (permission: string): boolean =>
  permission.endsWith('.projectcalico.org') && !permission.endsWith('.crd.projectcalico.org')
const isOnlyNewer = (permission: string): boolean => permission.includes('ipamconfigurations')

const verbs = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** The permission that a request needs, as the API server works it out. */
const permissionOf = (method: keyof typeof verbs, path: string): string | undefined => {
  const [plain = '', query = ''] = path.split('?')
  const parts = plain.split('/').filter(Boolean)
  const group = parts[0] === 'apis' ? parts[1] : ''
  const rest = parts.slice(parts[0] === 'apis' ? 3 : 2)
  const [resource, name, subresource] = rest[0] === 'namespaces' ? rest.slice(2) : rest
  if (resource === undefined) return undefined
  const isCollection = name === undefined && method === 'GET'
  const verb = query.includes('watch=1') ? 'watch' : isCollection ? 'list' : verbs[method]
  return `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}.${group}`
}

const asked = new Set<string>()

const recording = (client: KubeClient): KubeClient => {
  const note = (method: keyof typeof verbs, path: string): void => {
    const permission = permissionOf(method, path)
    if (permission !== undefined) asked.add(permission)
  }
  return {
    request: (request) => {
      note(request.method, request.path)
      return client.request(request)
    },
    watch: (path, cancellation) => {
      note('GET', path)
      return client.watch(path, cancellation)
    },
    close: () => client.close(),
  }
}

let lab: ControllerLab
beforeAll(async () => {
  lab = await startControllerLab('kubernetes')
})
afterAll(() => lab?.stop())

const faults: string[] = []
const log = createLog('warning', (line) => void faults.push(line))

test('the API server takes the whole manifest, with no field it does not know', async () => {
  const text = readFileSync(manifest, 'utf8')
  await lab.kubernetes.kubectl(['apply', '--server-side', '--validate=strict', '-f', '-'], text)
  const deployment = await lab.kubernetes.kubectl([
    ...['get', 'deployment', '-n', 'kube-system', 'hc-calico-controller', '-o', 'json'],
  ])
  expect(JSON.parse(deployment).spec.replicas).toBe(2)
})

test('with the token of its account it does all it has to, and is refused nothing', async () => {
  const account = '/api/v1/namespaces/kube-system/serviceaccounts/hc-calico-controller'
  const { status } = (await lab.api('POST', `${account}/token`, {
    ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  })) as { readonly status: { readonly token: string } }
  const access = {
    ...{ apiRoot: lab.kubernetes.url, certificateAuthority: lab.kubernetes.caFile },
    token: status.token,
  }
  const client = recording(await createKubeClient(access))
  const datastore = createKubernetesDatastore({ client: recording(await createKubeClient(access)) })
  await lab.write(poolNamed('p', '10.82.0.0/30'))
  const controller = await startController({
    ...{ client, datastore, datastoreType: 'kubernetes', identity: 'account', log },
    settings: hastySettings,
  })
  await expect.poll(() => controller.isLeading(), patience).toBe(true)
  const ipam = createIPAM({ datastore: lab.datastore })
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } }
  await lab.api('POST', '/api/v1/nodes', node)
  const services = '/apis/harmonycloud.cn/v1alpha1/namespaces/default/serviceippools'
  await lab.api('POST', services, {
    ...{ apiVersion: 'harmonycloud.cn/v1alpha1', kind: 'ServiceIPPool' },
    ...{ metadata: { name: 's' }, spec: { ipv4poolList: ['p'] } },
  })
  for (let n = 0; n < 4; n += 1) {
    await ipam.assignIP({ ip: `10.82.0.${n}`, handleID: `h${n}`, host: 'n' })
  }
  const events = async (): Promise<ReadonlyArray<string>> => {
    const list = (await lab.api('GET', '/api/v1/events')) as {
      readonly items: ReadonlyArray<{ readonly reason: string }>
    }
    return list.items.map(({ reason }) => reason)
  }
  await expect.poll(events, patience).toEqual(expect.arrayContaining(['MemberFull', 'PoolFull']))
  await controller.stop()
  expect(faults).toEqual([])
  await client.close()
  await datastore.close()
})

/** Asked for in situations that this test does not bring about; each with what brings it about. */
const elsewhere: ReadonlyArray<readonly [permission: RegExp, when: string]> = [
  [/^patch events\.$/, 'an Event that is said again: events.test.ts'],
  [/^watch statefulsets\.apps\.kruise\.io$/, 'a cluster with OpenKruise'],
  [/^get (pods|nodes|configmaps|statefulsets)\./, 'validation before something is taken away'],
  [/^(create|patch|delete) configmaps\.$/, 'the record of fixed addresses'],
  [/^\w+ (ipamblocks|blockaffinities|ipamhandles)\.crd/, 'addresses that are released or claimed'],
  [/^get ipamconfigs\.crd/, 'the same: how long released addresses cool down'],
]

test('the role grants what was asked for, and nothing else', () => {
  const unused = [...granted].filter(
    (one) =>
      !asked.has(one) &&
      !elsewhere.some(([permission]) => permission.test(one)) &&
      !isOfNewerGroup(one) &&
      !isOnlyNewer(one),
  )
  expect(unused).toEqual([])
  expect([...asked].filter((one) => !granted.has(one))).toEqual([])
})
