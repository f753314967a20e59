/** What the executable asks of a real Kubernetes API, and what a wrong answer leads to. */
import { CNIPluginError } from '@hc-calico/cluster/libcni'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { addressesOf, CNILab, defaultPools, nothingStored } from '../lab/cni-lab.ts'
import { type LabDatastore, labDatastores } from '../lab/lab-datastore.ts'

let datastore: LabDatastore
let lab: CNILab

const onKubernetes = labDatastores.find(({ name }) => name.startsWith('kubernetes'))

beforeAll(async () => {
  if (onKubernetes === undefined) throw new Error('no Kubernetes among the datastores')
  datastore = await onKubernetes.start()
})
afterAll(() => datastore?.close())
beforeEach(async () => {
  lab = await CNILab.on(datastore)
})
afterEach(() => lab?.close())

const v4Only = () => lab.conf({ ipam: { assign_ipv6: 'false' } })

const failureOf = (doing: Promise<unknown>): Promise<CNIPluginError> =>
  doing.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => {
      if (error instanceof CNIPluginError) return error
      throw error
    },
  )

/** A namespace's metadata; `default` is there from the start. */
const setNamespace = (labels: object, annotations: object): Promise<void> =>
  datastore.patch('/api/v1/namespaces/default', { metadata: { labels, annotations } })

test('the pod’s annotation, else the namespace’s, chooses the pool', async () => {
  await lab.withPools([
    ...defaultPools,
    { name: 'blue', cidr: '10.77.0.0/24' },
    { name: 'red', cidr: '10.78.0.0/24' },
  ])
  await setNamespace({}, { 'cni.projectcalico.org/ipv4pools': '["blue"]' })
  const plain = await lab.scheduled('plain')
  const own = await lab.scheduled('own', {}, { 'cni.projectcalico.org/ipv4pools': '["red"]' })
  expect(addressesOf(await lab.cni.add(v4Only(), plain.attachment))[0]).toMatch(/^10\.77\.0\./)
  expect(addressesOf(await lab.cni.add(v4Only(), own.attachment))[0]).toMatch(/^10\.78\.0\./)
  await setNamespace({}, { 'cni.projectcalico.org/ipv4pools': null })
})

test('a pool’s namespace selector sees the namespace’s labels', async () => {
  await lab.withPools([
    {
      name: 'other',
      cidr: '10.77.0.0/24',
      namespaceSelector: 'team == "blue"',
      allowedUses: ['Workload'],
    },
    {
      name: 'ours',
      cidr: '10.78.0.0/24',
      namespaceSelector: 'team == "red"',
      allowedUses: ['Workload'],
    },
  ])
  await setNamespace({ team: 'red' }, {})
  const { attachment } = await lab.scheduled('selected')
  expect(addressesOf(await lab.cni.add(v4Only(), attachment))[0]).toMatch(/^10\.78\.0\./)
  await setNamespace({ team: null }, {})
})

test('usePodCidr is the pod CIDR of the node’s object', async () => {
  await datastore.patch('/api/v1/nodes/node-1', {
    spec: { podCIDR: '10.79.1.0/24', podCIDRs: ['10.79.1.0/24'] },
  })
  const dataDir = lab.directory
  const ipam = { type: 'host-local', subnet: 'usePodCidr', dataDir }
  // Debian's host-local does not know 1.1.0.
  const conf = lab.conf({ cniVersion: '1.0.0', main: { ipam } })
  const { attachment } = await lab.scheduled('host-local')
  expect(addressesOf(await lab.cni.add(conf, attachment))[0]).toMatch(/^10\.79\.1\./)
  await lab.cni.del(conf, attachment)
})

test('a cluster that is not ready: code 11, and nothing is done', async () => {
  const path = '/apis/crd.projectcalico.org/v1/clusterinformations/default'
  await datastore.patch(path, { spec: { datastoreReady: false } })
  const { attachment } = await lab.scheduled('early')
  const failure = await failureOf(lab.cni.add(lab.conf(), attachment))
  expect(failure.code).toBe(11)
  expect(failure.message).toContain('Calico is currently not ready to process requests')
  expect(await lab.stored()).toEqual(nothingStored)
  expect(lab.network.hostLinks()).toEqual([])
})

test('a pod that the API does not know', async () => {
  const failure = await failureOf(lab.cni.add(lab.conf(), lab.container('unknown').attachment))
  expect(failure.code).toBe(11)
  expect(failure.message).toContain('failed to get pod default/unknown: there is none of this name')
  expect(await lab.stored()).toEqual(nothingStored)
})

test('an ADD for a pod that was replaced meanwhile', async () => {
  const { attachment } = await lab.scheduled('replaced')
  const late = {
    ...attachment,
    args: [...(attachment.args ?? []), ['K8S_POD_UID', 'of-the-old-one']] as const,
  }
  const failure = await failureOf(lab.cni.add(lab.conf(), late))
  expect(failure.message).toContain('the pod default/replaced was replaced')
  expect(await lab.stored()).toEqual(nothingStored)
})

test('a kubeconfig that is not there', async () => {
  const conf = lab.conf({ main: { kubernetes: { kubeconfig: '/no/such/kubeconfig' } } })
  const { attachment } = await lab.scheduled('unconfigured')
  const failure = await failureOf(lab.cni.add(conf, attachment))
  expect(failure.message).toContain('the kubeconfig /no/such/kubeconfig cannot be read: ENOENT')
})

test('an API server that is not there', async () => {
  const conf = lab.conf({ main: { kubernetes: { k8s_api_root: 'https://127.0.0.1:1' } } })
  const { attachment } = await lab.scheduled('unreachable')
  const failure = await failureOf(lab.cni.add(conf, attachment))
  expect(failure.code).toBe(11)
  expect(failure.message).toContain('the Kubernetes API at 127.0.0.1:1')
})
